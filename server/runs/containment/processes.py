"""The processes of this machine, and signals that reach the one that is meant.

A pid that was read a moment ago may be another process's now. So a signal goes through a pidfd, and
only after what it stands for was looked at once more. It all reads ``/proc``: not for the loop.
"""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Iterable, Mapping

from server.runs.containment.kin import Process, Snapshot
from workflows.runtime.belonging import ENVIRONMENT

ROUNDS = 500  # of looking for who was forked while others were being stopped
PATIENCE_SECONDS = 2.0  # for the kernel to end what was killed
_PAUSE_SECONDS = 0.005

_MAPPED = re.compile(rb"/memfd:keepstream:(\S+)")
_EXPORTED = re.compile(rb"(?:^|\0)" + ENVIRONMENT.encode() + rb"=([^\0]*)")


def look() -> Snapshot:
    """Every process that can be seen, but for this one: it is never meant."""
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
    found = map(_stat, pids - {os.getpid()})
    return {each.pid: each for each in found if each is not None}


def end(members: Callable[[], Mapping[int, Process]]) -> bool:
    """End all members, also those that they are forking just now; whether none is left.

    They are stopped first: who is stopped forks nobody, and so there comes a look that finds
    nobody new, before the first death has changed who is whose child.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while found := _stop_all(members):
        for each in found.values():
            send(each, signal.SIGKILL)
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _stop_all(members: Callable[[], Mapping[int, Process]]) -> Mapping[int, Process]:
    stopped = set()
    for _ in range(ROUNDS):
        found = members()
        fresh = [each for each in found.values() if each.identity not in stopped]
        if not fresh:
            break
        for each in fresh:
            send(each, signal.SIGSTOP)
            stopped.add(each.identity)
    return found


def send(process: Process, number: int) -> None:
    """Signal it, if it is still there and may be signalled."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        pidfd = os.pidfd_open(process.pid)
        try:
            now = _stat(process.pid)
            if now is not None and now.started == process.started:
                signal.pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)


def marks(of: Iterable[Process]) -> dict[int, str]:
    """pid → mark, for those that bear one."""
    found = {}
    for each in of:
        match = _EXPORTED.search(_read(each.pid, "environ")) or _MAPPED.search(
            _read(each.pid, "maps")
        )
        if match is not None:
            found[each.pid] = match[1].decode(errors="replace")
    return found


def memory(of: Iterable[Process]) -> int:
    """Bytes that these processes hold together; what they share is counted once."""
    return sum(_memory(each.pid) for each in of)


def tasks(of: Iterable[Process]) -> int:
    """How many processes and threads these are."""
    return sum(each.threads for each in of)


def _memory(pid: int) -> int:
    """What would be free without it (proportionally), without files that can be read again."""
    fields = dict(line.split()[:2] for line in _read(pid, "smaps_rollup").splitlines()[1:])
    if b"Pss_Anon:" in fields:
        return 1024 * (int(fields[b"Pss_Anon:"]) + int(fields[b"Pss_Shmem:"]))
    pages = _read(pid, "statm").split()  # another user's now, or an old kernel
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def _stat(pid: int) -> Process | None:
    text = _read(pid, "stat")
    if not text:
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name before may hold anything
    return Process(
        pid,
        started=int(fields[19]),
        state=fields[0].decode(),
        parent=int(fields[1]),
        session=int(fields[3]),
        threads=int(fields[17]),
    )


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:  # noqa: PTH123
            return file.readall()
    except OSError:  # gone, or not ours to read
        return b""

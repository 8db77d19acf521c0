"""The processes of this machine, and signals that reach the one that is meant.

A pid that was read a moment ago may be another process's now. So a signal goes through a pidfd, and
only after what it stands for was looked at once more. It all reads ``/proc``: not for the loop.
"""

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Collection, Iterable
from types import MappingProxyType
from typing import NamedTuple

from server.runs.containment.kin import Identity, Process, Snapshot, groups
from workflows.runtime.belonging import ENVIRONMENT

GLANCES = 10  # of one look: at those who came while the others were being read
GLANCES_SECONDS = 0.05  # after these there is no other: who was found is to be stopped first
CLEAR_LOOKS = 2  # a mark cannot be read in the midst of an exec
PATIENCE_SECONDS = 1.0  # for who flees, and for the kernel to end what was killed
HURRY_SECONDS = 0.02  # for a look that misses nobody, before those who were found are killed
_PAUSE_SECONDS = 0.005
KERNEL = 2  # the parent of its threads, which have no memory to look at

_MAPPED = re.compile(rb"/memfd:keepstream:(\S+)")
_EXPORTED = re.compile(rb"(?:^|\0)" + ENVIRONMENT.encode() + rb"=([^\0]*)")


class Look(NamedTuple):
    """What was seen of all processes, and who is meant of them."""

    seen: Snapshot
    whole: bool  # nobody was missed
    meant: Collection[int] = ()

    def met(self) -> set[Identity]:
        """Those who are meant."""
        return {self.seen[pid].identity for pid in self.meant}


def look(known: Snapshot = MappingProxyType({})) -> Look:
    """Every process that can be seen, but for this one: it is never meant.

    Of those who are known only the pid is looked at: this is quick, for running after somebody.

    Pids are given out upwards and are listed upwards, so of a chain of processes that each fork the
    next and end, one is listed. If it has gone when it comes to be read, or if the numbers have
    begun anew, the next one may have been missed; then those are read who have come since.
    """
    seen = dict(known)
    enough = time.monotonic() + GLANCES_SECONDS
    for _ in range(GLANCES):
        newest = _newest()
        found = [(pid, _stat(pid)) for pid in sorted(_pids() - seen.keys())]
        seen.update((pid, each) for pid, each in found if each is not None)
        if _newest() >= newest and not any(each is None or each.gone for _, each in found):
            return Look(seen, whole=True)
        if time.monotonic() > enough:
            break
    return Look(seen, whole=False)


def end(whom: Callable[[Snapshot], Look]) -> bool:
    """End all that are meant, also those that they are forking just now; whether none is left.

    ``whom`` takes a :func:`look` from what is known, and says who is meant. They are stopped first:
    who is stopped forks nobody, and so there comes a look that finds nobody new, before the first
    death has changed who is whose child.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    clear = 0
    while clear < CLEAR_LOOKS:
        found = _stop_all(whom, deadline)
        _signal(found, found.met(), signal.SIGKILL)
        clear = clear + 1 if found.whole and not found.meant else 0
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _stop_all(whom: Callable[[Snapshot], Look], deadline: float) -> Look:
    """Stop them; the last look, at every process, has found no others.

    It is not waited for long that such a look is whole: where strangers fork all the time none is,
    and those who were found are to die nevertheless.
    """
    stopped = set[Identity]()
    known: Snapshot = {}
    chasing = False
    hurry = time.monotonic() + HURRY_SECONDS
    while time.monotonic() < deadline:
        found = whom(known)
        fresh = found.met() - stopped
        _signal(found, fresh, signal.SIGSTOP)
        stopped |= fresh
        if fresh or (not found.whole and time.monotonic() < hurry):
            chasing, known = chasing or bool(fresh), found.seen  # whom they forked has come since
        elif chasing:
            chasing, known = False, {}
        else:
            return found
    return whom({})._replace(whole=False)


def _signal(found: Look, those: set[Identity], number: int) -> None:
    """Signal those, and whoever has come into their groups: no fork gets away from that."""
    for each in those:
        _send(each, number)
    reached = {found.seen[each.pid].group for each in those} - {0, os.getpgrp()}
    for group in reached & groups(found.seen, found.meant):
        founder, now = found.seen.get(group), _stat(group)
        if now is None or (founder is not None and founder.started == now.started):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)


def _send(who: Identity, number: int) -> None:
    """Signal it, if it is still there and may be signalled."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        pidfd = os.pidfd_open(who.pid)
        try:
            now = _stat(who.pid)
            if now is not None and now.identity == who:
                signal.pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)


class Marks:
    """What processes bear, each read once."""

    def __init__(self) -> None:
        self._read: dict[Identity, str] = {}

    def of(self, some: Iterable[Process]) -> tuple[dict[int, str], bool]:
        """pid → mark, for those that bear one; and whether that could be told of all.

        The youngest first: who flees is among them, and is gone soon.
        """
        found, whole = {}, True
        for each in sorted(some, reverse=True):
            mark = self._read.get(each.identity)
            if mark is None and not each.gone:
                mark = _mark(each)
                whole = whole and mark is not None
                # One that is ending forks nobody any more: those whom it has forked can be asked.
                self._read[each.identity] = mark or ""
            if mark:
                found[each.pid] = mark
        return found, whole


def memory(of: Iterable[Process]) -> int:
    """Bytes that these processes hold together; what they share is counted once."""
    return sum(_memory(_place(each)) for each in of)


def tasks(of: Iterable[Process]) -> int:
    """How many processes and threads these are."""
    return sum(each.threads for each in of)


def _memory(place: str) -> int:
    """What would be free without it (proportionally), without files that can be read again."""
    fields = dict(line.split()[:2] for line in _read(place, "smaps_rollup").splitlines()[1:])
    if b"Pss_Anon:" in fields:
        return 1024 * (int(fields[b"Pss_Anon:"]) + int(fields[b"Pss_Shmem:"]))
    pages = _read(place, "statm").split()  # another user's now, or an old kernel
    return (int(pages[1]) - int(pages[2])) * os.sysconf("SC_PAGE_SIZE") if pages else 0


def _pids() -> set[int]:
    listed = os.listdir("/proc")  # noqa: PTH208
    return {int(name) for name in listed if name.isdigit()} - {os.getpid()}


def _newest() -> int:
    """The pid that was given out last, see proc_loadavg(5); 0 where that is hidden."""
    try:
        with open("/proc/loadavg", "rb", buffering=0) as file:  # noqa: PTH123
            return int(file.readall().split()[4])
    except (OSError, IndexError, ValueError):
        return 0


def _mark(process: Process) -> str | None:
    """Its mark, "" if it has none; None for one that is ending and may have forked before."""
    place = _place(process)
    try:
        environment, maps = _content(place, "environ"), _content(place, "maps")
    except PermissionError:  # another user's
        return ""
    except OSError:  # its memory is gone, or it has never had any
        return "" if KERNEL in {process.pid, process.parent} else None
    match = _EXPORTED.search(environment) or _MAPPED.search(maps)
    if match is not None:
        return match[1].decode(errors="replace")
    return "" if maps else None


def _place(process: Process) -> str:
    """Where its memory is to be seen: a first thread that has ended has none any more."""
    pid = str(process.pid)
    if process.state in "ZX":
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
                if thread != pid:
                    return f"{pid}/task/{thread}"
    return pid


def _stat(pid: int) -> Process | None:
    text = _read(str(pid), "stat")
    if not text:
        return None
    fields = text[text.rindex(b")") + 2 :].split()  # the name before may hold anything
    return Process(
        pid,
        started=int(fields[19]),
        state=fields[0].decode(),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        threads=int(fields[17]),
    )


def _read(place: str, name: str) -> bytes:
    try:
        return _content(place, name)
    except OSError:  # gone, or not ours to read
        return b""


def _content(place: str, name: str) -> bytes:
    with open(f"/proc/{place}/{name}", "rb", buffering=0) as file:  # noqa: PTH123
        return file.readall()

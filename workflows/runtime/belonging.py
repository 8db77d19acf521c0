"""How it can be told of a process that it belongs to a run, whatever it does to get away.

Where the fork server stands in a control group of the run's own when it forks, every process of the
run is in that group. Elsewhere the run's leader becomes the parent of all its orphans, and two
marks tell those whose leader died: one in the environment, which an exec hands on, and one in the
memory map, which a fork hands on.
"""

import contextlib
import ctypes
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from workflows.runtime.libc import LIBC

ENVIRONMENT = "KEEPSTREAM_RUN"
#: Address space that costs nothing until it is used, such as the stacks of threads.
SPARE_BYTES = 1 << 30

_PR_SET_CHILD_SUBREAPER = 36
_PAGE = 4096
_PAUSE_SECONDS = 0.002

_group_end = ""  # the file that ends this process's control group, if it has one of its own


def born(
    entry: Callable[..., None],
    mark: str,
    group_end: str,
    tasks: Sequence[str],
    memory: int,
    *arguments: Any,
) -> None:
    """Be a process of a run, and call `entry` with `arguments`.

    Either `group_end` is the file that ends the control group that it is in already, and `tasks`
    are those by which it enters further groups; or `mark` is what its processes are to bear.
    `memory` is the run's limit in bytes, 0 for none. Raises OSError where it cannot be contained.
    """
    global _group_end  # noqa: PLW0603 (of the process)
    _group_end = group_end
    for path in tasks:
        Path(path).write_text("0")
    if mark:
        bear(mark)
    if memory:
        _bound(memory)
    entry(*arguments)


def end_all() -> None:
    """End the run, this process included, where no server will do it."""
    if _group_end:
        with contextlib.suppress(OSError):
            Path(_group_end).write_text("1")
    elif os.environ.get(ENVIRONMENT):
        _end_descendants()
    os.killpg(0, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies, see prctl(2)."""
    LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bear(mark: str) -> None:
    """Have it told by `mark` whose this process is and all that descends from it."""
    adopt_orphans()
    os.environ[ENVIRONMENT] = mark
    named = os.memfd_create(f"keepstream:{mark}")
    LIBC.mmap.restype = ctypes.c_void_p
    LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    LIBC.mmap(None, _PAGE, 0, 1, named, 0)  # PROT_NONE, MAP_SHARED: a name and nothing else
    os.close(named)


def _bound(memory: int) -> None:
    """Have one huge allocation fail in Python, where it can be told what it was.

    Generous, since what is asked for is not what is used. The limit itself is held elsewhere.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    edge = 2 * memory + SPARE_BYTES
    if hard == resource.RLIM_INFINITY or edge < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (edge, hard))


def _end_descendants() -> None:
    """Stop them first, until a look finds nobody new: who is stopped does not fork."""
    while _has_children():
        stopped: set[tuple[int, int]] = set()
        while fresh := _descendants() - stopped:
            for each in fresh:
                _send(each, signal.SIGSTOP)
            stopped |= fresh
        for each in stopped:
            _send(each, signal.SIGKILL)
        time.sleep(_PAUSE_SECONDS)


def _has_children() -> bool:
    """Whether any is left. All orphans become ours, so what a look has missed is known here."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _descendants() -> set[tuple[int, int]]:
    """Return pid and parent of each."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    parents = {pid: _parent(pid) for pid in pids}
    found, unseen = set[int](), {os.getpid()}
    while unseen := {pid for pid, parent in parents.items() if parent in unseen} - found:
        found |= unseen
    return {(pid, parents[pid]) for pid in found}


def _send(known: tuple[int, int], number: int) -> None:
    """Signal a process that still has the parent that it had: by a pidfd, which is never another's.

    One that has lost its parent since is our own child now, and is found by the next look.
    """
    pid, parent = known
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(pid)
        try:
            if _parent(pid) in {parent, os.getpid()}:
                signal.pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:
        return 0

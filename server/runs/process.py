"""A child as the kernel knows it: is it alive, is it still the same, and how to end it.

A pid alone may mean another process tomorrow. Here it is a pid with its start time and the boot it
belongs to, and a pidfd, which cannot mean anything else while it is open.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

GONE = frozenset({"Z", "X"})  # a zombie is gone, whether or not someone reaps it


class Stat(NamedTuple):
    """What ``/proc/PID/stat`` says, see proc_pid_stat(5)."""

    state: str
    parent: int
    started: int  # clock ticks since boot


@cache
def boot_id() -> str:
    """Which boot of this machine start times count from."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def since_boot() -> float:
    """Seconds since the boot, sleep included; no change of the wall clock touches it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def stat(pid: int) -> Stat | None:
    """Look a process up; None when there is none of that pid."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before may hold anything
    return Stat(fields[0], int(fields[1]), int(fields[19]))


class Leader:
    """The process of a run, the leader of its group once it has said hello. Owns the pidfd."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.groups = False  # it has said that its setsid is done
        self.gone = False
        self._pidfd: int | None = None
        with contextlib.suppress(ProcessLookupError):
            self._pidfd = os.pidfd_open(pid)
        known = stat(pid)
        self.started = known.started if known else 0
        self.parent = known.parent if known else 0

    @classmethod
    def again(cls, pid: int, is_same: Callable[[Stat | None], bool]) -> "Leader":
        """A process that an earlier server has started; gone where ``is_same`` says no.

        The pidfd is opened first: what is looked at then is what it stands for.
        """
        leader = cls(pid)
        seen = stat(pid)
        leader.groups = is_same(seen)
        if not leader.groups and leader._pidfd is not None:
            os.close(leader._pidfd)
            leader._pidfd = None
        return leader

    def watch(self, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
        """Have ``then`` called, once and from the loop, when the process is gone."""

        def died() -> None:
            if not self.gone:
                self.gone = True
                self.close(loop)
                then()

        if self._pidfd is None:
            loop.call_soon(died)
        else:
            loop.add_reader(self._pidfd, died)

    def kill(self) -> None:
        """SIGKILL for the process and for what is left of its group."""
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        if self.groups:
            self._kill_group()

    def _kill_group(self) -> None:
        # While one member lives the kernel gives the group's number to nobody, even when its
        # leader has been reaped; where another process has that pid now, the group is gone.
        other = stat(self.pid)
        if other is not None and other.started != self.started:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go of the pidfd; the process is left as it is."""
        if self._pidfd is not None:
            loop.remove_reader(self._pidfd)
            self.abandon()

    def abandon(self) -> None:
        """The same, for one that nobody has watched yet."""
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

"""One control group for each run, by which all of it can be ended at once, and held to its limits.

A slot is a directory ``keepstream.TAG.NUMBER`` beside the server's own group in the unified tree,
and one of the same name in a tree of version 1 for each limit that only such a tree can hold. TAG
is the data directory's: a new server knows by it what an earlier one has left.

Leaving a group is not for a process to decide that lacks rights to others, and killing one is a
single write that no fork can run away from (cgroups(7), cgroup-v2.rst: cgroup.kill).
"""

import contextlib
import itertools
import os
import signal
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import NamedTuple, Self

from server.runs.containment.hierarchies import UNIFIED, Mount, directories, mounts
from server.runs.containment.limits import Limits, memory, processes

PROCESSES = "cgroup.procs"
KILL = "cgroup.kill"


class Control(NamedTuple):
    """How one limit is set in one version, and where the kernel counts those who ran into it."""

    limit: str
    counter: str
    key: str
    value: Callable[[Limits], int]
    says: Callable[[Limits], str]
    more: tuple[tuple[str, str], ...] = ()  # files and what is written there, where they exist


_PIDS = Control("pids.max", "pids.events", "max", lambda limits: limits.tasks, processes)
_WHOLE = (("memory.swap.max", "0"), ("memory.oom.group", "1"))

#: By tree and, in the unified one, by controller.
CONTROLS: dict[str, dict[str, Control]] = {
    UNIFIED: {
        "memory": Control(
            "memory.max", "memory.events", "oom_kill", lambda limits: limits.memory, memory, _WHOLE
        ),
        "pids": _PIDS,
    },
    "memory": {
        "memory": Control(
            "memory.limit_in_bytes",
            "memory.oom_control",
            "oom_kill",
            lambda limits: limits.memory,
            memory,
            (("memory.swappiness", "0"),),
        )
    },
    "pids": {"pids": _PIDS},
}


class Slot:
    """The groups of one run."""

    def __init__(self, groups: dict[str, Path], limits: Limits) -> None:
        self.groups = groups  # tree → directory
        self._limits = limits
        self._sealed = True  # nobody is in it who is not the run's
        self._doomed = False

    @property
    def name(self) -> str:
        """By which it is known in every tree."""
        return self.groups[UNIFIED].name

    def unseal(self) -> None:
        """The fork server is about to come in: nothing here can be killed until it has left."""
        self._sealed = False

    def seal(self) -> None:
        """The fork server has left. Raises OSError where the limits cannot be set."""
        self._sealed = True
        if self._doomed:
            self.kill()
        self.hold({UNIFIED})

    def kill(self) -> None:
        """SIGKILL for all of it, at once or as soon as the fork server has left."""
        self._doomed = True  # before the look at the seal: the other thread does it the other way
        if self._sealed:
            with contextlib.suppress(OSError):  # it has been removed
                _write(Path(self.end), "1")

    def pids(self) -> list[int]:
        """Who is in it."""
        try:
            return [int(line) for line in (self.groups[UNIFIED] / PROCESSES).read_text().split()]
        except OSError:
            return []

    def controls(self, trees: Collection[str] = CONTROLS) -> dict[str, tuple[Path, Control]]:
        """Controller → where the kernel holds the run to its limit, where it does."""
        wanted = {"memory": self._limits.memory, "pids": self._limits.processes}
        return {
            controller: (group, control)
            for tree, group in self.groups.items()
            if tree in trees
            for controller, control in CONTROLS[tree].items()
            if wanted[controller] and (group / control.limit).exists()
        }

    def refused(self) -> str | None:
        """What the kernel did not let the run have, in words."""
        for group, control in self.controls().values():
            with contextlib.suppress(OSError, ValueError):
                lines = (group / control.counter).read_text().splitlines()
                counts = dict(line.split() for line in lines)
                if int(counts.get(control.key, 0)):
                    return control.says(self._limits)
        return None

    def remove(self) -> bool:
        """Take away what is empty; whether nothing is left. After a kill the rest dies here."""
        if self._doomed and self._sealed:
            self._kill_one_by_one()
        for group in list(self.groups.values()):
            with contextlib.suppress(OSError):
                group.rmdir()
        return not any(group.exists() for group in self.groups.values())

    def _kill_one_by_one(self) -> None:
        # What the kernel does with the whole group misses a process whose first thread has ended
        # (seen with Linux 6.18): the signal is for that thread, and nobody takes it.
        for pid in self.pids():
            with contextlib.suppress(OSError):
                pidfd = os.pidfd_open(pid)
                try:
                    if pid in self.pids():  # so what was opened is, or was, in here
                        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                finally:
                    os.close(pidfd)

    @property
    def end(self) -> str:
        """The file that ends all of it when ``1`` is written there."""
        return str(self.groups[UNIFIED] / KILL)

    def entrances(self) -> tuple[str, ...]:
        """Files by which a process of one thread enters the groups of version 1."""
        # Writing to `tasks` for oneself waits for nobody, while `cgroup.procs` takes a lock on all
        # the machine's forks: 0.1 ms and not 5 to 20.
        return tuple(str(group / "tasks") for tree, group in self.groups.items() if tree != UNIFIED)

    def hold(self, trees: Collection[str]) -> None:
        """Set the limits in these trees; raises OSError."""
        for group, control in self.controls(trees).values():
            _write(group / control.limit, str(control.value(self._limits)))
            for file, value in control.more:
                with contextlib.suppress(OSError):
                    _write(group / file, value)


class Ground:
    """Where slots are made."""

    def __init__(
        self, homes: dict[str, Path], mounted: dict[str, Mount], tag: str, limits: Limits
    ) -> None:
        self._homes = homes
        self._elsewhere: set[Path] = set()
        self._mounted = mounted
        self._prefix = f"keepstream.{tag}."
        self._limits = limits
        self._numbers = itertools.count(1)
        self._made: set[str] = set()

    @classmethod
    def find(cls, tag: str, limits: Limits) -> Self | None:
        """Where this process may make slots and move others into them; None if nowhere."""
        try:
            mounted = mounts(Path("/proc/self/mountinfo").read_text())
            own = directories(mounted, Path("/proc/self/cgroup").read_text())
            if UNIFIED not in own:
                return None
            homes = {UNIFIED: _home(own[UNIFIED])}
            _enable(homes[UNIFIED], limits)
            homes |= {tree: own[tree] for tree in _wanted(limits) if tree in own}
            ground = cls(_usable(homes), mounted, tag, limits)
            slot = ground.make()
            fit = (slot.groups[UNIFIED] / KILL).exists()
            slot.remove()
        except (OSError, KeyError):
            return None
        return ground if fit else None

    def make(self) -> Slot:
        """A new slot, empty; raises OSError."""
        name = f"{self._prefix}{os.getpid()}-{next(self._numbers)}"
        self._made.add(name)
        slot = Slot({tree: home / name for tree, home in self._homes.items()}, self._limits)
        try:
            for group in slot.groups.values():
                group.mkdir()
            # Those of the unified tree are set when the fork server is not in it any more.
            slot.hold(CONTROLS.keys() - {UNIFIED})
        except OSError:
            slot.remove()
            raise
        return slot

    def enter(self, slot: Slot, pid: int) -> None:
        """Move a process there, from the server's own group or from another slot; OSError."""
        _write(slot.groups[UNIFIED] / PROCESSES, str(pid))

    def turn_out(self, pid: int) -> None:
        """Move a process back to where the server is; raises OSError."""
        _write(self._homes[UNIFIED] / PROCESSES, str(pid))

    def of(self, pid: int) -> Slot | None:
        """The slot that a process is in, whichever server made it."""
        try:
            where = directories(self._mounted, Path(f"/proc/{pid}/cgroup").read_text())
        except OSError:
            return None
        unified = where.get(UNIFIED)
        if unified is None or not unified.name.startswith(self._prefix):
            return None
        trees = {tree: group for tree, group in where.items() if tree in CONTROLS}
        return Slot({t: g for t, g in trees.items() if g.name == unified.name}, self._limits)

    def remember(self, homes: Iterable[Path]) -> None:
        """Earlier servers made slots there."""
        self._elsewhere |= {home for home in homes if (home / PROCESSES).exists()}

    def known(self) -> list[Path]:
        """Where slots of this data directory may be."""
        return sorted({*self._homes.values(), *self._elsewhere})

    def tidy(self) -> None:
        """Take away what is empty of servers, of any data directory, that are no more."""
        for home in self.known():
            for group in home.glob("keepstream.*"):
                server = group.name.rpartition(".")[2].partition("-")[0]
                if server.isdigit() and not Path("/proc", server).exists():
                    with contextlib.suppress(OSError):
                        group.rmdir()

    def left_over(self, kept: Iterable[str]) -> list[Slot]:
        """Slots that earlier servers made, but for those of these names."""
        found = [each for home in self.known() for each in home.glob(f"{self._prefix}*")]
        spared = {*self._made, *kept}  # after the look: others are being made meanwhile
        return [Slot({UNIFIED: each}, self._limits) for each in found if each.name not in spared]


def _home(own: Path) -> Path:
    """Where systemd gave the server a group below a delegated one, the delegated one."""
    with contextlib.suppress(OSError):
        if os.getxattr(own.parent, "user.delegate") == b"1":
            return own.parent
    return own


def _enable(home: Path, limits: Limits) -> None:
    """Ask for the controllers in the slots. Refused where processes are in ``home`` itself."""
    for controller in _wanted(limits):
        with contextlib.suppress(OSError):
            _write(home / "cgroup.subtree_control", f"+{controller}")


def _wanted(limits: Limits) -> list[str]:
    asked = {"memory": limits.memory, "pids": limits.processes}
    return [controller for controller, limit in asked.items() if limit]


def _usable(homes: dict[str, Path]) -> dict[str, Path]:
    """Those in which groups can be made. One without the unified tree is no ground."""
    return {
        tree: home
        for tree, home in homes.items()
        if os.access(home, os.W_OK | os.X_OK) and os.access(home / PROCESSES, os.W_OK)
    }


def _write(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)

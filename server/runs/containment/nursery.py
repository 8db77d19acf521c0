"""Where the fork server stands when it forks: in the slot of the run that comes next.

A child is born into its parent's group. To move it there later costs a lock that waits for the
whole machine (5 to 20 ms when nobody has taken it lately), and the run would wait with it. So it is
the fork server that is moved, after each birth, while the run is already on its way.

Used on the fork server's thread, but for ``pid`` and :meth:`quiet`.
"""

import contextlib
import threading
from collections.abc import Iterator

import structlog

from server.runs.containment.kin import ForkServer, Identity
from server.runs.containment.limits import Limits
from server.runs.containment.slots import Ground, Slot

log = structlog.get_logger()


class Nursery:
    """Knows where the fork server is, and whom it has started."""

    def __init__(self, ground: Ground | None, tag: str, limits: Limits) -> None:
        self._ground = ground
        self._tag = tag
        self._limits = limits
        self.pid = 0  # of the fork server, once it was received here and before it forks
        self._slot: Slot | None = None  # where it is
        self._taken = False  # and so is a run, or will be
        self._warm = False
        self._leaders: set[Identity] = set()
        self._births = threading.Lock()
        self._vacant: list[Slot] = []  # of processes that never were a run's

    def receive(self, pid: int) -> None:
        """See to it that the fork server is in an empty slot, if there are any."""
        if pid != self.pid:
            self._abandon()
            self.pid = pid
            self._move()
        elif self._taken:
            self._move()

    @contextlib.contextmanager
    def birth(self) -> Iterator[None]:
        """The fork server forks; nobody looks for orphans meanwhile."""
        self._taken = True
        if not self._warm:  # it may be importing for long: only who is warm has orphans
            yield
            self._warm = True
            return
        with self._births:
            yield

    def born(self, leader: Identity) -> Slot | None:
        """It has started this one; returns its slot."""
        self._leaders.add(leader)
        return self._slot

    def buried(self, leader: Identity) -> None:
        """Nothing is left of that one."""
        self._leaders.discard(leader)

    def vacate(self, slot: Slot) -> None:
        """Its process never was a run's, and has ended or is about to: take the slot away."""
        self._vacant.append(slot)
        self._sweep()

    def _sweep(self) -> None:
        # The dead leave in their own time: what is not empty yet is tried again at the next move.
        self._vacant = [slot for slot in self._vacant if not slot.remove()]

    def terms(self, run: str) -> tuple[str, str, tuple[str, ...], int]:
        """What the next process is told, see :func:`workflows.runtime.belonging.born`.

        Without a ``run`` it bears no mark yet.
        """
        if self._slot is None:
            return self.mark(run) if run else "", "", (), self._limits.memory
        return "", self._slot.end, self._slot.entrances(), self._limits.memory

    def mark(self, run: str) -> str:
        """What the processes of that run bear where they have no slot."""
        return f"{self._tag}:{run}"

    def move_on(self) -> None:
        """Leave the slot that has a run now, unless that was done."""
        if self._taken:
            self._move()

    def close(self) -> None:
        """The fork server has ended."""
        self._abandon()
        self._sweep()

    @contextlib.contextmanager
    def quiet(self) -> Iterator[ForkServer | None]:
        """Nothing is born meanwhile. From any thread, and for milliseconds only."""
        with self._births:
            yield ForkServer(self.pid, frozenset(self._leaders)) if self._warm else None

    def _move(self) -> None:
        self._sweep()
        left, self._slot, self._taken = self._slot, self._next(), False
        if left is not None:
            self._seal(left)

    def _seal(self, slot: Slot) -> None:
        try:
            slot.seal()
        except OSError as error:  # it may have ended already
            log.warning("A run could not be held to its limits", group=slot.name, error=str(error))

    def _next(self) -> Slot | None:
        """Enter a new slot, or come out of the old one."""
        if self._ground is None:
            return None
        slot = None
        try:
            slot = self._ground.make()
            slot.unseal()
            self._ground.enter(slot, self.pid)
        except ProcessLookupError:  # it has died, and that will be noticed elsewhere
            slot.remove() if slot is not None else None
            return None
        except OSError as error:
            log.warning("No control group for a run: it is watched instead", error=str(error))
            if slot is not None:
                slot.remove()
            with contextlib.suppress(OSError):
                self._ground.turn_out(self.pid)
            return None
        return slot

    def _abandon(self) -> None:
        """The fork server is gone: so it has left where it was."""
        left, taken = self._slot, self._taken
        self._slot, self._taken, self._warm, self.pid = None, False, False, 0
        if left is not None:
            self._seal(left)
            if not taken:
                left.remove()

"""What a store may still take when its disk does not do what it should. Pure, but for the log.

=========== =================================== ================================================
condition   what is taken                       it ends when
=========== =================================== ================================================
healthy     everything
full        what ends runs, from the ballast    the ballast fits on the disk again, and some more
failing     nothing                             a commit of nothing was synced by a new connection
=========== =================================== ================================================

Events that are on the disk are read in all three. Damage is no condition of the store: it belongs
to sessions (:mod:`~server.eventlog.damage`), and the others do not notice.
"""

from enum import Enum, IntEnum, auto

import structlog

from server.errors import StoreUnavailable
from server.records import RunRecord

log = structlog.get_logger()


class NoRoom(StoreUnavailable):
    """The disk is full."""


class Fault(StoreUnavailable):
    """The disk failed. After a failed sync nobody knows whether the last commit is on it."""


class Condition(Enum):
    """How the store stands."""

    HEALTHY = "healthy"
    FULL = "full"
    FAILING = "failing"


class Signal(Enum):
    """What happened to it."""

    NO_ROOM = auto()
    FAULT = auto()
    ROOM = auto()  # the ballast is whole
    PROVED = auto()  # the disk has kept something, and the journal ends where it should


NEXT = {
    (Condition.HEALTHY, Signal.NO_ROOM): Condition.FULL,
    (Condition.HEALTHY, Signal.FAULT): Condition.FAILING,
    (Condition.FULL, Signal.ROOM): Condition.HEALTHY,
    (Condition.FULL, Signal.FAULT): Condition.FAILING,
    (Condition.FAILING, Signal.PROVED): Condition.HEALTHY,
    # The proof of a failing store may find the disk full: then it is known to be only that.
    (Condition.FAILING, Signal.NO_ROOM): Condition.FULL,
}


def step(condition: Condition, signal: Signal) -> Condition:
    """The condition after ``signal``; one that means nothing to it changes nothing."""
    return NEXT.get((condition, signal), condition)


class Claim(IntEnum):
    """What an append may cost when the disk is full."""

    NONE = 0  # it waits for room
    SOME = 1  # events of a run that is being cancelled: half of the ballast, they may be many
    ALL = 2  # a cancel, or the end of a run


def claim(record: RunRecord | None, *, events: bool) -> Claim:
    """The claim of an append with that record, which brings ``events`` or none."""
    if record is None or (record.active and record.cancel is None):
        return Claim.NONE
    return Claim.SOME if record.active and events else Claim.ALL


class Duress:
    """The condition of one store: a line in the log when it changes, and reasons for whoever asks.

    An operator reads two lines for an hour without room, not two for each append that was refused.
    """

    def __init__(self) -> None:
        self.condition = Condition.HEALTHY
        self.reason = ""

    @property
    def healthy(self) -> bool:
        """Whether everything is taken."""
        return self.condition is Condition.HEALTHY

    def refusal(self, wanted: Claim) -> StoreUnavailable | None:
        """The error for an append that is not to be tried now; None for one that is."""
        if self.healthy or (self.condition is Condition.FULL and wanted is not Claim.NONE):
            return None
        return StoreUnavailable(self.reason)

    def signal(self, signal: Signal, reason: str = "") -> None:
        """Take note of what happened; ``reason`` is for people."""
        before, self.condition = self.condition, step(self.condition, signal)
        if self.condition is before:
            return
        self.reason = "" if self.healthy else reason
        if self.healthy:
            log.info("The store takes events again", condition=before.value)
        elif self.condition is Condition.FULL:
            log.error("The store has no room: runs are held back, new ones refused", error=reason)
        else:
            log.error("The store fails: nothing is acknowledged until it has proved", error=reason)

"""All processes of one run, as its body knows them."""

from collections.abc import Callable
from typing import Protocol

from server.runs.containment.kin import Identity
from server.runs.containment.slots import Slot
from server.runs.process import Leader


class Undertaker(Protocol):
    """Who ends what is not in a slot, and takes emptied slots away."""

    def doom(self, contained: "Contained") -> None:
        """End its processes by their descent, soon."""

    def release(self, contained: "Contained") -> None:
        """It is over."""


class Contained:
    """One run's processes, launched or adopted. Every method returns at once.

    ``identity`` is the leader's, also where nobody has its pid any more; ``parent`` is the fork
    server that it was born to, or 0 where an earlier server has started it.
    """

    def __init__(
        self,
        undertaker: Undertaker,
        run: str,
        identity: Identity,
        leader: Leader,
        slot: Slot | None,
        *,
        parent: int = 0,
    ) -> None:
        self.run = run
        self.identity = identity
        self.slot = slot
        self.parent = parent
        self._leader = leader
        self._undertaker = undertaker
        self._reason: str | None = None
        self._too_much: Callable[[], None] | None = None

    def watch(self, too_much: Callable[[], None]) -> None:
        """Have ``too_much`` called, once and from the loop, when it ran into a limit."""
        self._too_much = too_much

    def kill(self) -> None:
        """SIGKILL for everything that the run has started, wherever it went."""
        if self.slot is not None:
            self.slot.kill()
            self._leader.kill()
        elif self._leader.groups or not self.parent:
            # The leader must not die first: its orphans would be somebody else's children.
            self._undertaker.doom(self)
        else:
            self._leader.kill()  # it has executed nothing yet, and has nobody

    def exceeded(self) -> str | None:
        """Which limit it ran into, in words, if it did."""
        if self._reason is None and self.slot is not None:
            self._reason = self.slot.refused()
        return self._reason

    def tell(self, reason: str) -> None:
        """It was seen to have run into a limit."""
        if self._reason is None:
            self._reason = reason
            if self._too_much is not None:
                self._too_much()

    @property
    def told(self) -> bool:
        """Whether it is known already that it ran into a limit."""
        return self._reason is not None

    def close(self) -> None:
        """It has been killed: let go of what held it. ``exceeded`` goes on knowing."""
        self.exceeded()
        self._too_much = None
        self._undertaker.release(self)

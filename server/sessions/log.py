"""What a subscription needs of its session. Guarantees: ``session`` and ``audience`` keep them."""

from typing import TYPE_CHECKING, Protocol

from server.sessions.stretches import Stretch

if TYPE_CHECKING:
    from server.sessions.subscription import Subscription


class Audience(Protocol):
    """Who reads the session."""

    def come(self, reader: "Subscription", epoch: str) -> None:
        """Count ``reader`` in."""

    def go(self, reader: "Subscription", epoch: str) -> None:
        """Count it in no more, and close it."""

    def go_live(self, reader: "Subscription") -> None:
        """Write to ``reader``, whose cursor is at the log's end, with the next commit."""


class Log(Protocol):
    """What a subscription needs of its session."""

    id: str

    @property
    def audience(self) -> Audience:
        """Its readers."""

    @property
    def epoch(self) -> str:
        """The epoch of its offsets."""

    @property
    def last(self) -> int:
        """The offset of the newest event that readers were told of."""

    @property
    def state(self) -> str:
        """``waiting``, ``running`` or ``closed``."""

    def kept(self, after: int) -> Stretch | None:
        """The events after that offset, where somebody has read them lately."""

    async def stretch(self, after: int) -> Stretch | None:
        """The events after that offset, when it is this reader's turn; None if there are none."""

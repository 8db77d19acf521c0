"""What a subscription needs of a transport. Guarantees only: :mod:`server.web` keeps them."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from server.events import Event

#: The turn of a subscription that has its socket to itself.
ALONE: AbstractAsyncContextManager[None] = nullcontext()


class Encoding(Protocol):
    """How a transport writes events and control frames.

    Readers whose encodings are equal are written the same bytes, which are made once for all.
    """

    def events(self, epoch: str, events: Sequence[Event], /) -> bytes:
        """All of ``events`` as the bytes of one write."""

    def control(self, frame: dict[str, Any], /) -> bytes:
        """A control frame; its ``type`` says which, its ``cursor`` or ``after`` where it stands."""


class Sink(Protocol):
    """What a transport lends to a subscription: a way to its socket that never waits unasked."""

    transport: str
    encoding: Encoding
    #: True while there is a backlog: an object, as each commit looks at that of each live reader.
    owed: object
    #: Whether others write to the same socket: whoever lends it judges it, and ends it, as a whole.
    shared: bool

    def write(self, data: bytes) -> None:
        """Hand ``data`` over; does nothing on a connection that is gone."""

    def backlog(self) -> int:
        """Bytes that were handed over and that the kernel has not taken."""

    def send(self, data: bytes) -> int:
        """Give ``data`` to the kernel, while there is no backlog; how many bytes it took.

        Raises OSError where it takes nothing, or the connection is gone. What it did not take is
        the caller's to ``write``.
        """

    async def drain(self) -> None:
        """Wait until there is room; raises ConnectionError when the connection is gone."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait to be the one who catches up: of those who share a socket one does at a time."""

    def abort(self) -> None:
        """End the connection without another word."""

    def tcp_info(self) -> bytes:
        """The kernel's ``struct tcp_info`` of the socket, or nothing where there is none."""

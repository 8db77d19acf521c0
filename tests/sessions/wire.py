"""A socket whose other end the test is: it takes what it is told to take."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

from server.events import Event
from server.sessions.sink import ALONE

if TYPE_CHECKING:
    from server.sessions.sink import Encoding


class Lines:
    """An encoding that a test can read: one line each."""

    def events(self, _epoch: str, events: Sequence[Event]) -> bytes:
        """Put one event on a line."""
        return b"".join(event.line + b"\n" for event in events)

    def control(self, frame: dict[str, Any]) -> bytes:
        """Put a frame on a line."""
        return json.dumps(frame).encode() + b"\n"


LINES = Lines()


class Wire:
    """A sink. While it is stalled, what is written stays in its backlog and ``drain`` waits."""

    transport = "wire"
    shared = False

    def __init__(self) -> None:
        self.encoding: Encoding = LINES
        self.taken = bytearray()
        self.held = bytearray()
        self.owed: object = self.held
        self.aborted = False
        self.piece = 1 << 20  # what one call of ``send`` takes at most
        self.info = b""
        self._flows = asyncio.Event()
        self._flows.set()

    def stall(self) -> None:
        """Take nothing from now on."""
        self._flows.clear()

    def flow(self) -> None:
        """Take what waits, and all that comes."""
        self.taken += self.held
        self.held.clear()
        self._flows.set()

    def write(self, data: bytes) -> None:
        """Hand data over."""
        if self._flows.is_set():
            self.taken += data
        else:
            self.held += data

    def send(self, data: bytes) -> int:
        """Take a piece of it, or nothing."""
        assert not self.held, "what is sent now would overtake what waits"
        if not self._flows.is_set():
            raise BlockingIOError
        self.taken += data[: self.piece]
        return min(self.piece, len(data))

    def backlog(self) -> int:
        """Count what was not taken."""
        return len(self.held)

    async def drain(self) -> None:
        """Wait until it flows."""
        await self._flows.wait()
        if self.aborted:
            raise ConnectionResetError

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Let its subscription have it to itself."""
        return ALONE

    def abort(self) -> None:
        """Break."""
        self.aborted = True
        self._flows.set()

    def tcp_info(self) -> bytes:
        """Return what the test says of TCP."""
        return self.info

    @property
    def frames(self) -> list[dict[str, Any]]:
        """All that was taken."""
        return [json.loads(line) for line in bytes(self.taken).splitlines()]

    @property
    def offsets(self) -> list[int]:
        """The offsets of the events that were taken."""
        return [frame["offset"] for frame in self.frames if "offset" in frame]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The control frames of a kind."""
        return [frame for frame in self.frames if frame.get("type") == kind]

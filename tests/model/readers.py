"""A browser: it keeps a cursor, comes back with it, and believes only what it was sent in order."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import msgspec

from server.events import Cursor, Event
from server.sessions.sink import ALONE
from server.sessions.subscription import Subscription

if TYPE_CHECKING:
    from server.sessions.sink import Encoding

#: What the kernel takes of a reader that reads nothing.
KERNEL = 60


class Lines:
    """One line for each event and each control frame."""

    def events(self, _epoch: str, events: Sequence[Event]) -> bytes:
        """Put one event on a line."""
        return b"".join([event.line + b"\n" for event in events])

    def control(self, frame: dict[str, Any]) -> bytes:
        """Put a frame on a line."""
        return msgspec.json.encode(frame) + b"\n"


LINES = Lines()


class Owed:
    """True while a wire has a backlog."""

    def __init__(self, wire: "Wire") -> None:
        self._wire = wire

    def __bool__(self) -> bool:
        return self._wire.backlog() > 0


class Wire:
    """A sink: what was written and not taken yet."""

    transport = "wire"
    shared = False

    def __init__(self) -> None:
        self.encoding: Encoding = LINES
        self.written = b""
        self.owed: object = Owed(self)
        self.gone = False
        self.task: asyncio.Task[None]
        self._room: asyncio.Future[None] | None = None

    def take(self, size: int) -> bytes:
        """Read so many bytes."""
        data, self.written = self.written[:size], self.written[size:]
        if self._room is not None and not self.backlog():
            self._wake()
        return data

    def break_off(self) -> None:
        """Go away without a word."""
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    # -- what a subscription uses

    def write(self, data: bytes) -> None:
        """Take what is to be sent."""
        if not self.gone:
            self.written += data

    def send(self, data: bytes) -> int:
        """Take what there is room for."""
        room = KERNEL - len(self.written)
        if self.gone or room <= 0:
            raise BrokenPipeError if self.gone else BlockingIOError
        self.written += data[:room]
        return min(room, len(data))

    def backlog(self) -> int:
        """Count what the kernel has not taken."""
        return max(0, len(self.written) - KERNEL)

    async def drain(self) -> None:
        """Wait until the kernel has taken all."""
        while not self.gone and self.backlog():
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        if self.gone:
            raise ConnectionResetError

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Let its subscription have it to itself."""
        return ALONE

    def abort(self) -> None:
        """Break it."""
        self.break_off()

    def tcp_info(self) -> bytes:
        """Say nothing."""
        return b""


class Counted(Subscription):
    """A subscription whose place in a set is the same in every replay."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class Reader:
    """One browser's page, from its first connection to the end of the stream."""

    def __init__(self, number: int, types: str, after: str) -> None:
        self.number = number
        self.types = types
        self.after = after  # what the first request asks for
        self.epoch: str | None = None
        self.offset = 0  # the cursor's
        self.first = 0  # the offset that its stream began behind
        self.events: list[tuple[int, bytes]] = []
        self.resets: list[str] = []
        self.wire: Wire | None = None
        self.closed = False
        self.failures: list[str] = []
        self._partial = b""
        self._expects_reset = False
        self._said_bye = False

    @property
    def cursor(self) -> str:
        """What it asks for when it comes back."""
        if self.epoch is None:
            return self.after
        return str(Cursor(self.epoch, self.offset))

    def connect(self, wire: Wire) -> None:
        """Begin a connection."""
        self.wire = wire
        self._partial = b""
        self._expects_reset = self._said_bye = False

    def start_anew(self) -> None:
        """Hear that what it continues does not exist (any more)."""
        self.resets.append("gone")
        self._reset(None, 0)
        self.after = ""

    def take(self, size: int) -> None:
        """Read some bytes of its socket."""
        assert self.wire is not None
        *lines, self._partial = (self._partial + self.wire.take(size)).split(b"\n")
        for line in lines:
            if line.startswith(b'{"offset":'):
                self._event(int(line[10 : line.index(b",")]), line)
            else:
                self._control(msgspec.json.decode(line))

    def _event(self, offset: int, line: bytes) -> None:
        expected = offset > self.offset if self.types else offset == self.offset + 1
        if not expected or self._expects_reset or self._said_bye:
            self.failures.append(f"event {offset} came to a reader at {self.offset}")
        self.offset = offset
        self.events.append((offset, line))

    def _control(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "ready":
            self._ready(frame)
        elif kind == "reset":
            self.resets.append(frame["reason"])
            self._reset(frame["epoch"], frame["first"] - 1)
        else:
            self._moves_to(Cursor.parse(frame["cursor"]))
        if kind == "bye":
            self._said_bye = True
            self.closed = not frame["reconnect"]

    def _ready(self, frame: dict[str, Any]) -> None:
        if self.epoch is None or (not self.offset and frame["epoch"] != self.epoch):
            place = Cursor.parse(frame["after"])
            self._reset(frame["epoch"], place.offset)
        elif frame["epoch"] != self.epoch or frame["last"] < self.offset:
            self._expects_reset = True

    def _reset(self, epoch: str | None, offset: int) -> None:
        self.epoch = epoch
        self.first = self.offset = offset
        self.events.clear()
        self._expects_reset = False

    def _moves_to(self, cursor: Cursor) -> None:
        backwards = cursor.offset < self.offset or cursor.epoch != self.epoch
        ahead = cursor.offset > self.offset and not self.types
        if backwards or ahead:
            self.failures.append(f"a cursor {cursor} was given to a reader at {self.cursor}")
        self.offset = max(self.offset, cursor.offset)

"""One connection of a subscriber, over each transport: what it asks, what it takes for an end."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from chaos import wire

if TYPE_CHECKING:
    from chaos.reader import Reader


class Line(asyncio.Protocol):
    """One connection; ``over`` is done when it has ended."""

    def __init__(self, reader: "Reader") -> None:
        self.reader = reader
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.head: wire.Head | None = wire.Head()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        loop = asyncio.get_running_loop()
        self._alive = loop.time()
        self._alarm = loop.call_later(self.reader.silence, self._silent)
        self.ask()

    def data_received(self, data: bytes) -> None:
        """Take what has come; what cannot be understood ends the connection."""
        self._alive = asyncio.get_running_loop().time()
        try:
            if self.head is not None:
                rest = self.head.feed(data)
                if rest is None:
                    return
                answered, self.head = self.head, None
                self.answered(answered)
                data = rest
            self.body(data)
        except wire.RefusedError as refusal:
            self.end(refusal)
        except Exception as error:  # noqa: BLE001 (whatever it was, the reader comes back)
            self.end(wire.BrokenStreamError(repr(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self.end(exc if isinstance(exc, OSError) else EOFError())

    def end(self, error: BaseException | None) -> None:
        """Let the reader go on, and nothing more of this connection count."""
        self._alarm.cancel()
        if not self.over.done():
            self.over.set_exception(error) if error else self.over.set_result(None)
            self.transport.abort()

    def _silent(self) -> None:
        loop = asyncio.get_running_loop()
        left = self._alive + self.reader.silence - loop.time()
        if left <= 0:
            self.end(TimeoutError())
        else:
            self._alarm = loop.call_later(left, self._silent)

    def ask(self) -> None:
        """Send the request."""
        raise NotImplementedError

    def answered(self, head: wire.Head) -> None:
        """Look at the head of the answer."""
        raise NotImplementedError

    def body(self, data: bytes) -> None:
        """Take what comes behind the head."""
        raise NotImplementedError


class WebSocket(Line):
    """Frames of RFC 6455, until the server closes."""

    def ask(self) -> None:
        self._frames = wire.WebSocketFrames()
        path = self.reader.path("ws", until=self.reader.until)
        self.transport.write(wire.upgrade(self.reader.host(), path))

    def answered(self, head: wire.Head) -> None:
        if head.status != 101:
            raise wire.RefusedError(head.status)

    def body(self, data: bytes) -> None:
        for opcode, payload in self._frames.feed(data):
            if opcode == 1:
                self.reader.take(wire.text(payload))
            elif opcode == 9:
                self.transport.write(wire.masked(10, payload))
            elif opcode == 8:
                self._closed(int.from_bytes(payload[:2], "big"))
                return

    def _closed(self, code: int) -> None:
        self.transport.write(wire.masked(8, code.to_bytes(2, "big") if code else b""))
        self.end(None if self.reader.bye else wire.RefusedError(code))


class EventStream(Line):
    """Records of one long answer."""

    def ask(self) -> None:
        self._records = wire.Records()
        self._chunks: wire.Chunked | None = None
        path = self.reader.path("sse", until=self.reader.until)
        self.transport.write(wire.get(self.reader.host(), path))

    def answered(self, head: wire.Head) -> None:
        if head.status != 200:
            raise wire.RefusedError(head.status)
        if "chunked" in head.fields.get("transfer-encoding", ""):
            self._chunks = wire.Chunked()

    def body(self, data: bytes) -> None:
        for frame in self._records.feed(self._chunks.feed(data) if self._chunks else data):
            self.reader.take(frame)
        if self.reader.bye or (self._chunks and self._chunks.ended):
            self.end(None if self.reader.bye else EOFError())


class LongPoll(Line):
    """Page after page, each asked for when the one before it has come."""

    def ask(self) -> None:
        self._body, self._length = bytearray(), 0
        wait = round(min(10.0, self.reader.silence / 2), 3)
        path = self.reader.path("events", wait=wait)
        self.transport.write(wire.get(self.reader.host(), path))

    def answered(self, head: wire.Head) -> None:
        if head.status != 200:
            raise wire.RefusedError(head.status)
        self._length = int(head.fields["content-length"])

    def body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) < self._length:
            return
        page = wire.PAGE.decode(self._body)
        self.reader.page(page)
        if self.reader.bye:
            self.end(None)
            return
        self.head = wire.Head()
        if page.state == "closed" and not page.events:
            # Such a page is answered at once: ask again, but not all the time.
            asyncio.get_running_loop().call_later(0.25, self._ask_again)
        else:
            self.ask()

    def _ask_again(self) -> None:
        if not self.over.done():
            self.ask()


LINES: dict[str, Callable[["Reader"], Line]] = {
    "ws": WebSocket,
    "sse": EventStream,
    "poll": LongPoll,
}
"""By the name of the transport."""

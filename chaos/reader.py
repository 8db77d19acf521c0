"""A subscriber that comes back for ever with its cursor, over any of the three transports.

Cheap enough for thousands in one process: an asyncio protocol, no JSON decoded but control frames.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

from chaos import wire
from chaos.seen import Seen, Watcher

BACK_SECONDS = (0.02, 0.5)  # between two attempts, growing
BYE_AGAIN = ("restart", "rotate", "overloaded", "slow")
TRANSPORTS = ("ws", "sse", "poll")


class Address(Protocol):
    """Where the server is, which may change with each of its lives."""

    @property
    def host(self) -> str:
        """To connect to."""

    @property
    def port(self) -> int:
        """To connect to."""


class Reader:
    """Follows one session. ``seen`` is its journal, ``cuts`` counts connections that ended."""

    def __init__(
        self,
        address: Address,
        session: str,
        transport: str = "ws",
        *,
        after: str = "",
        until: str = "forever",
        silence: float = 35.0,
        dice: random.Random | None = None,
        watch: Watcher | None = None,
    ) -> None:
        """``silence`` in seconds is how long it waits for a sign of life before it comes anew."""
        self.seen = Seen(session, f"{transport} reader of {session}")
        self.transport = transport
        self.cuts = 0
        self.connections = 0
        self.refusals: list[str] = []
        self.bye = ""
        self.connected = False
        self.last_known = 0
        """The end of the log as the server last said it."""
        self._address = address
        self._after = after
        self._until = until
        self._silence = silence
        self._dice = dice or random.Random()
        self._watch = watch
        self._back_after = 0.0
        self._moved = asyncio.Event()

    @property
    def offset(self) -> int:
        """The last offset that it has."""
        return self.seen.offset

    @property
    def cursor(self) -> str:
        """What it asks with."""
        return self.seen.cursor or self._after

    async def reached(self, offset: int) -> None:
        """Wait until it has this offset."""
        while self.offset < offset:
            self._moved.clear()
            await self._moved.wait()

    async def follow(self) -> None:
        """Follow until the server says that the stream is complete, or until cancelled.

        Raises RefusedError where the server says that coming back is no use.
        """
        backoff = BACK_SECONDS[0]
        while True:
            before = self.offset, self.connections
            try:
                await self._connect_once()
            except (OSError, EOFError, TimeoutError, wire.BrokenStreamError):
                self.cuts += 1
            except wire.RefusedError as refusal:
                if not self._comes_back_from(refusal):
                    raise
            finally:
                self.connected = False
            if self.bye and self.bye not in BYE_AGAIN:
                return
            backoff = BACK_SECONDS[0] if self.offset > before[0] else min(2 * backoff, 0.5)
            wait = self._back_after or backoff * self._dice.uniform(0.5, 1)
            self._back_after, self.bye = 0.0, ""
            await asyncio.sleep(wait)

    def _comes_back_from(self, refusal: wire.RefusedError) -> bool:
        """A 204 ends a complete stream; a refusal for now is come back from, any other is final."""
        if refusal.code == 204:
            self.bye = "closed"
            return True
        self.refusals.append(str(refusal))
        return refusal.code in (429, 503, 1012, 1013, 4408)

    async def _connect_once(self) -> None:
        line = _LINES[self.transport](self)
        transport = await self._open(line)
        self.connections += 1
        try:
            await line.over
        finally:
            transport.abort()

    async def _open(self, line: "Line") -> asyncio.Transport:
        """Connect; for those that do it in a way of their own."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: line, *self.peer)
        return transport

    @property
    def peer(self) -> tuple[str, int]:
        """Where it connects to now."""
        return self._address.host, self._address.port

    # What a line tells.

    def path(self, what: str, **query: object) -> str:
        """The address of the stream from the cursor on."""
        asked = {"after": self.cursor, **query}
        pairs = "&".join(f"{name}={quote(str(value))}" for name, value in asked.items())
        return f"/api/sessions/{self.seen.session}/{what}?{pairs}"

    def host(self) -> str:
        """As the request names it."""
        return f"{self._address.host}:{self._address.port}"

    @property
    def until(self) -> str:
        """Where its stream is to end."""
        return self._until

    @property
    def silence(self) -> float:
        """Seconds that it waits for a sign of life."""
        return self._silence

    def take(self, frame: wire.Frame) -> None:
        """Note an event, or do what a control frame says."""
        if isinstance(frame, bytes):
            offset = wire.offset(frame)
            self.seen.event(offset, frame)
            if self._watch is not None:
                self._watch(offset, frame)
            self._moved.set()
        else:
            self._control(frame)

    def _control(self, frame: dict[str, Any]) -> None:
        self.last_known = max(self.last_known, frame.get("last", 0))
        match frame["type"]:
            case "ready":
                self.connected = True
                if not self.seen.offset:  # also where it was told of an epoch that came to nothing
                    after = int(frame["after"].rpartition("-")[2])
                    self.seen.begin(frame["epoch"], after)
            case "reset":
                self.seen.reset(frame["epoch"], frame["first"], str(frame["reason"]))
                self._moved.set()
            case "bye":
                self.bye = frame["reason"]
                self._back_after = frame.get("after_ms", 0) / 1000

    def page(self, page: wire.Page) -> None:
        """Take a page of a long poll."""
        self.connected = True
        self.last_known = max(self.last_known, page.last)
        if page.reset:
            reason = page.reset["reason"] if isinstance(page.reset, dict) else page.reset
            self.seen.reset(page.epoch, page.first, str(reason))
        elif not self.seen.offset:
            self.seen.begin(page.epoch, int(self._after.rpartition("-")[2] or 0))
        for event in page.events:
            self.take(bytes(event))
        ended = page.state == "closed" and page.next == f"{page.epoch}-{page.last}"
        if ended and self._until == "run":
            self.bye = "closed"


class Line(asyncio.Protocol):
    """One connection; ``over`` is done when it has ended."""

    def __init__(self, reader: Reader) -> None:
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


class _WebSocket(Line):
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


class _EventStream(Line):
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


class _LongPoll(Line):
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


_LINES: dict[str, Callable[[Reader], Line]] = {
    "ws": _WebSocket,
    "sse": _EventStream,
    "poll": _LongPoll,
}

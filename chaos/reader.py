"""A subscriber that comes back for ever with its cursor, over any of the three transports.

Cheap enough for thousands in one process: an asyncio protocol, no JSON decoded but control frames.
"""

import asyncio
import random
from typing import Any, Protocol
from urllib.parse import quote

from chaos import wire
from chaos.lines import LINES, Line
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
        line = LINES[self.transport](self)
        transport = await self._open(line)
        self.connections += 1
        try:
            await line.over
        finally:
            transport.abort()

    async def _open(self, line: Line) -> asyncio.Transport:
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

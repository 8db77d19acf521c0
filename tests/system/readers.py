"""A reader: what a client keeps between connections, and the checks that it makes by itself."""

import asyncio
import contextlib
import hashlib
import itertools
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.system.frames import Cut, Frame, Refused
from tests.system.patience import PATIENCE
from tests.system.transports import Transport

LOST = (Cut, TimeoutError, OSError, aiohttp.ClientError)


@dataclass
class Reader:
    """Follows one session over any number of connections; AssertionError where the stream lies.

    `sparse` is for a stream that is filtered by type: offsets then only grow.
    """

    session: str
    sparse: bool = False
    epoch: str | None = None
    offset: int = 0
    events: list[bytes] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    heartbeats: int = 0
    connections: int = 0
    cuts: int = 0
    bye: str | None = None
    _asked: str | None = None

    @property
    def cursor(self) -> str | None:
        """Where to go on: nothing before the epoch is known."""
        return f"{self.epoch}-{self.offset}" if self.epoch else None

    @property
    def digest(self) -> str:
        """A hash over all event bytes in the order of their arrival."""
        return digest(self.events)

    def connect(self) -> str | None:
        """Begin a connection; return the cursor to ask with."""
        self.connections += 1
        self._asked, self.bye = self.cursor, None
        return self._asked

    def take(self, frame: Frame, *, first: bool = False) -> None:
        """Take one frame of the current connection, the first one where `first` says so."""
        assert first == (frame.kind in ("ready", "page")) or frame.kind == "page", frame
        match frame.kind:
            case "ready":
                self._ready(frame)
            case "page":
                self.epoch = self.epoch or frame.body["epoch"]
            case "reset":
                self._reset(frame)
            case "event":
                self._event(frame)
            case _:
                self._said_position(frame)

    def _ready(self, frame: Frame) -> None:
        body = frame.body
        assert (body["session"], body["protocol"]) == (self.session, 1), body
        if self._asked is None:
            self.epoch = body["epoch"]
        assert body["after"] == (self._asked or f"{self.epoch}-0"), (body, self._asked)
        assert frame.cursor in (None, body["after"]), frame

    def _reset(self, frame: Frame) -> None:
        self.resets.append(frame.body["reason"])
        self.epoch, self.offset = frame.body["epoch"], frame.body["first"] - 1
        self.events.clear()

    def _event(self, frame: Frame) -> None:
        expected = frame.offset > self.offset if self.sparse else frame.offset == self.offset + 1
        assert expected, f"after {self.offset} came {frame.raw!r}"
        assert not {0x0A, 0x0D} & set(frame.raw), frame.raw
        self.offset = frame.offset
        self.events.append(frame.raw)
        assert frame.cursor in (None, self.cursor), frame

    def _said_position(self, frame: Frame) -> None:
        said = frame.body["cursor"]
        if self.sparse:
            epoch, _, offset = said.rpartition("-")
            assert epoch == self.epoch and int(offset) >= self.offset, (said, self.cursor)
            self.offset = int(offset)
        assert said == self.cursor, f"{frame.kind} says {said}, the reader has {self.cursor}"
        assert frame.cursor in (None, said), frame
        self.heartbeats += frame.kind == "heartbeat"
        self.bye = frame.body["reason"] if frame.kind == "bye" else None


def digest(events: Iterable[bytes]) -> str:
    """Return a hash over these events, each ended by a line feed."""
    found = hashlib.sha256()
    for event in events:
        found.update(event + b"\n")
    return found.hexdigest()


async def frames(
    reader: Reader,
    http: aiohttp.ClientSession,
    url: str,
    transport: Transport,
    *,
    silence: float = PATIENCE,
    **query: Any,
) -> AsyncGenerator[Frame, None]:
    """Yield the frames of one connection, each taken by the reader first."""
    asked = reader.connect()
    stream = transport(http, url, reader.session, asked, silence=silence, **query)
    async with contextlib.aclosing(stream):
        first = True
        async for frame in stream:
            reader.take(frame, first=first)
            first = False
            yield frame


async def listen(
    reader: Reader,
    http: aiohttp.ClientSession,
    url: str,
    transport: Transport,
    *,
    events: int | None = None,
    **query: Any,
) -> None:
    """Follow over one connection to its end, or leave it after so many events."""
    taken = 0
    if events == 0:
        return
    async with contextlib.aclosing(frames(reader, http, url, transport, **query)) as stream:
        async for frame in stream:
            taken += frame.kind == "event"
            if taken == events:
                return


async def follow(
    reader: Reader,
    http: aiohttp.ClientSession,
    url: str,
    *transports: Transport,
    silence: float = PATIENCE,
    **query: Any,
) -> Reader:
    """Follow until the stream is complete, over as many connections as it takes, in turn."""
    for transport in itertools.cycle(transports):
        try:
            await listen(reader, http, url, transport, silence=silence, **query)
        except Refused as refusal:
            if refusal.code != 204:
                raise
            return reader
        except LOST as loss:
            if isinstance(loss, TimeoutError) and silence >= PATIENCE:
                raise
            reader.cuts += 1
            await asyncio.sleep(0.005)  # a refused connection costs nothing: don't spin
        else:
            if reader.bye not in ("restart", "rotate", "overloaded"):
                return reader
    raise AssertionError("at least one transport is needed")

"""Who reads one session, and how what was committed reaches the live ones among them.

The live readers are written to in one loop, in the turn of the commit, all the same bytes: each
encoding is made once for a commit, not for a reader.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from server import telemetry
from server.events import Cursor, Event
from server.sessions.bye import Bye
from server.sessions.crowd import Crowd
from server.sessions.diagnosis import Reader
from server.sessions.sink import Encoding  # noqa: TC001 (not worth an import of its own kind)
from server.sessions.subscription import Subscription

log = structlog.get_logger()


@dataclass(eq=False)
class Poll:
    """A long poll that is under way: a reader as diagnosis sees it."""

    offset: int
    transport: str = "poll"
    phase: str = "live"
    sent: int = 0
    connected: float = field(default_factory=time.monotonic)
    last_sent: float = field(default_factory=time.monotonic)
    reason: str = "answered"


class Audience:
    """The readers of the session ``session``."""

    __slots__ = (
        "_choosy",
        "_crowds",
        "_session",
        "_waiters",
        "dismissed",
        "idle_since",
        "readers",
        "troubles",
    )

    def __init__(self, session: str):
        self.readers: set[Subscription | Poll] = set()
        self.troubles: deque[str] = deque(maxlen=8)  # what befell readers, for diagnosis
        self.dismissed = False
        self.idle_since = time.monotonic()
        self._session = session
        self._crowds: dict[Encoding, Crowd] = {}  # who is live
        self._choosy: set[Subscription] = set()  # live too, and each wants other types
        self._waiters: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self.readers)

    # -- coming and going

    @contextmanager
    def polling(self, poll: Poll, epoch: str) -> Iterator[None]:
        """Count ``poll`` in for as long as it takes."""
        self.come(poll, epoch)
        try:
            yield
        finally:
            self.go(poll, epoch)

    def come(self, reader: Subscription | Poll, epoch: str) -> None:
        """Count ``reader`` in."""
        self.readers.add(reader)
        telemetry.SUBSCRIBERS.labels(reader.transport).inc()
        log.info("Subscriber connected", **self._known(reader, epoch))

    def go(self, reader: Subscription | Poll, epoch: str) -> None:
        """Count it in no more, and close it."""
        self._forget(reader)
        telemetry.SUBSCRIBERS.labels(reader.transport).dec()
        log.info(
            "Subscriber disconnected",
            **self._known(reader, epoch),
            sent=reader.sent,
            seconds=round(self.idle_since - reader.connected, 3),
            reason=reader.reason,
        )

    def _known(self, reader: Subscription | Poll, epoch: str) -> dict[str, str]:
        cursor = str(Cursor(epoch, reader.offset))
        return {"cursor": cursor, "session": self._session, "transport": reader.transport}

    def _forget(self, reader: Subscription | Poll) -> None:
        self.readers.discard(reader)
        if isinstance(reader, Subscription):
            self.leave(reader)
            reader.close()  # its socket may be there still, and the pulse on its way to it
        self.idle_since = time.monotonic()
        if reader.reason == "slow":
            self.troubles.appendleft(f"a reader took nothing and was cut at {reader.offset}")

    def go_live(self, reader: Subscription) -> None:
        """Write to ``reader``, whose cursor is at the log's end, with the next commit."""
        assert reader.offset == reader.session.last, "a live reader stands at the log's end"
        if reader.types:
            self._choosy.add(reader)
        else:
            self._crowd(reader).join(reader)

    def leave(self, reader: Subscription) -> None:
        """Write to ``reader`` no more."""
        if reader.types:
            self._choosy.discard(reader)
        else:
            self._crowd(reader).leave(reader)

    def _crowd(self, reader: Subscription) -> Crowd:
        encoding = reader.sink.encoding
        if encoding not in self._crowds:
            self._crowds[encoding] = Crowd(encoding, reader.transport)
        return self._crowds[encoding]

    def dismiss(self, bye: Bye) -> None:
        """Say ``bye`` to every reader."""
        self.dismissed = True
        for reader in tuple(self.readers):
            if isinstance(reader, Subscription):
                self.leave(reader)
                reader.end(bye)
        self._tell_waiters()

    # -- what was committed

    def write(self, epoch: str, events: Sequence[Event], *, over: bool) -> int:
        """Hand ``events`` to all live readers; how many there were.

        With ``over`` nothing more comes for now, and each looks whether it is complete.
        """
        told, at = 0, time.monotonic()
        for crowd in self._crowds.values():
            if size := len(crowd):
                told += size
                lagging = crowd.write(epoch, events, at)
                self._send_back(tuple(crowd) + lagging if over else lagging)
        if self._choosy:
            told += len(self._choosy)
            behind = [each for each in self._choosy if not each.pick(events)]
            self._send_back(tuple(self._choosy) if over else behind)
        if self._waiters:
            self._tell_waiters()
        return told

    def _send_back(self, readers: Iterable[Subscription]) -> None:
        for reader in readers:
            self.leave(reader)
            reader.leave_live()

    @contextmanager
    def changes(self) -> Iterator[asyncio.Future[None]]:
        """A future that is done with the next commit."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            yield waiter
        finally:
            self._waiters.discard(waiter)

    def _tell_waiters(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- for diagnosis

    def described(self, epoch: str, last: int) -> list[Reader]:
        """The readers of a log that ends at ``last``."""
        at = time.monotonic()
        return [
            Reader(
                transport=reader.transport,
                phase=reader.phase,
                cursor=str(Cursor(epoch, reader.offset)),
                lag=last - reader.offset,
                seconds_since_send=round(at - reader.last_sent, 3),
                sent=reader.sent,
            )
            for reader in self.readers
        ]

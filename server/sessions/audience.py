"""Who reads one session, and how what was committed reaches the live ones among them.

The live readers are written to in one loop, in the turn of the commit, all the same bytes: each
encoding is made once for a commit, not for a reader.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from server import telemetry
from server.events import Cursor, Event
from server.sessions.diagnosis import Reader
from server.sessions.subscription import Bye, Encoding, Subscription

log = structlog.get_logger()


@dataclass(eq=False)
class Poll:
    """A long poll that is under way: a reader as diagnosis sees it."""

    offset: int
    transport: str = "poll"
    phase: str = "live"
    sent: int = 0
    last_sent: float = field(default_factory=time.monotonic)
    reason: str = "answered"


class Audience:
    """The readers of the session ``session``."""

    __slots__ = ("_live", "_session", "_waiters", "dismissed", "idle_since", "readers", "troubles")

    def __init__(self, session: str):
        self.readers: set[Subscription | Poll] = set()
        self.troubles: deque[str] = deque(maxlen=8)  # what befell readers, for diagnosis
        self.dismissed = False
        self.idle_since = time.monotonic()
        self._session = session
        self._live: set[Subscription] = set()
        self._waiters: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self.readers)

    # -- coming and going

    @contextmanager
    def reading(self, reader: Subscription | Poll, epoch: str) -> Iterator[None]:
        """Count ``reader`` in for as long as it follows."""
        self.readers.add(reader)
        connected = time.monotonic()
        gauge = telemetry.SUBSCRIBERS.labels(reader.transport)
        gauge.inc()
        bound = {"session": self._session, "transport": reader.transport}
        log.info("Subscriber connected", cursor=str(Cursor(epoch, reader.offset)), **bound)
        try:
            yield
        finally:
            self._forget(reader)
            gauge.dec()
            log.info(
                "Subscriber disconnected",
                cursor=str(Cursor(epoch, reader.offset)),
                sent=reader.sent,
                seconds=round(self.idle_since - connected, 3),
                reason=reader.reason,
                **bound,
            )

    def _forget(self, reader: Subscription | Poll) -> None:
        self.readers.discard(reader)
        if isinstance(reader, Subscription):
            self._live.discard(reader)
        self.idle_since = time.monotonic()
        if reader.reason == "slow":
            self.troubles.appendleft(f"a reader took nothing and was cut at {reader.offset}")

    def go_live(self, reader: Subscription) -> None:
        """Write to ``reader``, whose cursor is at the log's end, with the next commit."""
        assert reader.offset == reader.session.last, "a live reader stands at the log's end"
        self._live.add(reader)

    def dismiss(self, bye: Bye) -> None:
        """Say ``bye`` to every reader."""
        self.dismissed = True
        for reader in tuple(self.readers):
            if isinstance(reader, Subscription):
                self._live.discard(reader)
                reader.end(bye)
        self._tell_waiters()

    # -- what was committed

    def write(self, epoch: str, events: Sequence[Event], *, over: bool) -> int:
        """Hand ``events`` to all live readers; how many there were.

        With ``over`` nothing more comes for now, and each looks whether it is complete.
        """
        live = tuple(self._live)
        encoded: dict[Encoding, bytes] = {}
        count, last, at = len(events), events[-1].offset, time.monotonic()
        for reader in live:
            if reader.lags():
                self._leave(reader)
                continue
            if reader.opening.types:
                reader.deliver(events)
            else:
                encoding = reader.sink.encoding
                if encoding not in encoded:
                    encoded[encoding] = encoding.events(epoch, events)
                reader.take(encoded[encoding], count, last, at)
            if over:
                self._leave(reader)
        if self._waiters:
            self._tell_waiters()
        return len(live)

    def _leave(self, reader: Subscription) -> None:
        self._live.discard(reader)
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

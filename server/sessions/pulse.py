"""What happens because time passes: heartbeats, verdicts on sockets, retention, the minute's line.

One loop for all readers: a timer of its own for each would cost more than the readers do.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import structlog

from server import telemetry
from server.errors import StoreUnavailable
from server.sessions.bye import Bye
from server.sessions.carrier import Carrier
from server.sessions.hub import Hub
from server.sessions.session import Session
from server.sessions.subscription import Subscription

log = structlog.get_logger()

#: Sessions and readers that are looked after without a break.
HANDFUL = 64
#: Seconds between two looks at retention.
RETENTION_EVERY = 30.0
#: Seconds after which the counts are logged even if they did not change.
COUNTS_EVERY = 60.0


@asynccontextmanager
async def beating(hub: Hub) -> AsyncIterator[None]:
    """Keep the pulse of ``hub`` going."""
    tasks = [asyncio.create_task(step(hub)) for step in (_rounds, _retention)]
    for task in tasks:
        task.add_done_callback(_report)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _report(task: asyncio.Task[None]) -> None:
    # A pulse that stops is not seen from outside until readers are taken for dead.
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("The pulse has stopped", exc_info=error)


async def _rounds(hub: Hub) -> None:
    every = min(1.0, hub.settings.heartbeat_seconds / 8)
    counts = _Counts()
    while True:
        await _round(hub, counts)
        before = time.monotonic()
        await asyncio.sleep(every)
        telemetry.LOOP_LAG_SECONDS.set(max(0.0, time.monotonic() - before - every))


async def _round(hub: Hub, counts: "_Counts") -> None:
    """Look after all readers, a handful at a time: in one go everybody else would wait for it."""
    sessions = tuple(hub)
    looked = running = subscribers = behind = 0
    at = time.monotonic()
    for session in sessions:
        running += session.state == "running"
        for reader in (None, *session.audience.readers):
            if isinstance(reader, Subscription):
                subscribers += 1
                behind += session.last - reader.offset
                _look_after(session, reader, at, hub.settings.rotate_seconds)
            looked += 1
            if looked % HANDFUL == 0:
                await asyncio.sleep(0)
                at = time.monotonic()
    for carrier in tuple(hub.carriers):
        _look_after_carrier(carrier, hub.settings.rotate_seconds)
        await asyncio.sleep(0)  # each has up to a thousand subscriptions to look at
    telemetry.CATCH_UP_EVENTS.set(behind)
    counts.note((len(sessions), running, subscribers))


def _look_after(session: Session, reader: Subscription, at: float, rotate_seconds: float) -> None:
    reader.beat(at)
    if rotate_seconds and not reader.sink.shared and at - reader.connected > rotate_seconds:
        reader.end(Bye("rotate", after_ms=0))
    if reader.ending:
        session.audience.leave(reader)  # nothing comes behind its bye


def _look_after_carrier(carrier: Carrier, rotate_seconds: float) -> None:
    at = time.monotonic()
    carrier.beat(at)
    if rotate_seconds and at - carrier.connected > rotate_seconds:
        carrier.end(Bye("rotate", after_ms=0))


class _Counts:
    """What is logged of them: changes, at most once a second, and all of them once a minute."""

    def __init__(self) -> None:
        self._logged: tuple[int, int, int] | None = None
        self._at = 0.0

    def note(self, counts: tuple[int, int, int]) -> None:
        at = time.monotonic()
        if at - self._at >= (COUNTS_EVERY if counts == self._logged else 1.0):
            count, running, subscribers = self._logged = counts
            self._at = at
            log.info("Active sessions", count=count, running=running, subscribers=subscribers)


async def _retention(hub: Hub) -> None:
    kept = timedelta(seconds=hub.settings.retention_seconds)
    every = min(RETENTION_EVERY, hub.settings.retention_seconds, hub.settings.waiting_seconds)
    while True:
        await asyncio.sleep(every)
        hub.forget_waiting(time.monotonic())
        with suppress(StoreUnavailable):  # the store says so itself; the next look comes soon
            ended_before = datetime.now(UTC) - kept
            if gone := await hub.expire(ended_before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")):
                log.info("Sessions expired", count=gone)

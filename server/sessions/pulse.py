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
from server.sessions.hub import Hub
from server.sessions.subscription import Bye

log = structlog.get_logger()

#: Seconds between two looks at retention.
RETENTION_EVERY = 30.0
#: Seconds after which the counts are logged even if they did not change.
COUNTS_EVERY = 60.0


@asynccontextmanager
async def beating(hub: Hub) -> AsyncIterator[None]:
    """Keep the pulse of ``hub`` going."""
    tasks = [asyncio.create_task(step(hub)) for step in (_readers, _counts, _retention)]
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


async def _readers(hub: Hub) -> None:
    every = min(1.0, hub.settings.heartbeat_seconds / 8)
    while True:
        before = time.monotonic()
        await asyncio.sleep(every)
        at = time.monotonic()
        telemetry.LOOP_LAG_SECONDS.set(max(0.0, at - before - every))
        behind = 0
        for reader in hub.readers():
            reader.beat(at)
            if hub.settings.rotate_seconds and at - reader.connected > hub.settings.rotate_seconds:
                reader.end(Bye("rotate", after_ms=0))
            behind += reader.session.last - reader.offset
        telemetry.CATCH_UP_EVENTS.set(behind)


async def _counts(hub: Hub) -> None:
    logged: tuple[int, int, int] | None = None
    logged_at = 0.0
    while True:
        counts = (len(hub), sum(s.state == "running" for s in hub if s.loaded), len(hub.readers()))
        if counts != logged or time.monotonic() - logged_at >= COUNTS_EVERY:
            count, running, subscribers = logged = counts
            logged_at = time.monotonic()
            log.info("Active sessions", count=count, running=running, subscribers=subscribers)
        await asyncio.sleep(1.0)


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

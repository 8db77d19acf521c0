"""A hub over a log in memory, readers on wires, and a writer that stands for a run."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import pytest
import structlog

from server.eventlog import memory
from server.eventlog.group import waited
from server.events import Draft, server_draft
from server.records import RunRecord
from server.sessions.bye import Bye
from server.sessions.hub import Hub
from server.sessions.opening import Wish
from server.sessions.subscription import Subscription
from server.settings import Settings
from tests.sessions.wire import Wire

NAME = "s1"


def run_record(state: str = "running", run: str = "r_1", session: str = NAME) -> RunRecord:
    """A run's record in that state."""
    return RunRecord(
        id=run,
        session=session,
        workflow="w",
        input={},
        labels={},
        state=state,  # type: ignore[arg-type]
        created="2026-01-01T00:00:00.000000Z",
        ended=None if state in ("queued", "starting", "running") else "2026-01-01T00:00:01.000000Z",
        timeout=60,
    )


@dataclass
class Reading:
    """A reader at work: its wire, and its subscription."""

    wire: Wire
    reader: Subscription

    @property
    def ended(self) -> asyncio.Future[Bye]:
        """Done with what the reader was told last."""
        return self.reader.ended


class Stage:
    """What a history is played on."""

    def __init__(self, hub: Hub):
        self.hub = hub

    async def append(self, drafts: Sequence[Draft], record: RunRecord | None = None) -> None:
        """Append as a run does, and wait until it is durable."""
        await waited(partial(self.hub.append, NAME, drafts, record=record))

    async def start(self, run: str = "r_1") -> None:
        """A run starts."""
        async with self.hub.hold(NAME, create=True):
            draft = server_draft("run_start", run, {})
            await self.append([draft], run_record("running", run))

    async def emit(self, count: int = 1, type_: str = "word") -> None:
        """The run emits."""
        drafts = [server_draft(type_, "r_1", {"i": i}) for i in range(count)]
        await self.append(drafts)
        await settle(3)

    async def finish(self, run: str = "r_1") -> None:
        """The run completes."""
        draft = server_draft("complete", run, {"result": None})
        await self.append([draft], run_record("complete", run))

    @asynccontextmanager
    async def reading(
        self, after: str = "", types: str = "", until: str = "run", wire: Wire | None = None
    ) -> AsyncIterator[Reading]:
        """A reader connects, and disconnects at the end of the block."""
        wire = wire or Wire()
        async with self.hub.hold(NAME, create=True) as session:
            opening = session.open(Wish.parse(after, types, until))
            with Subscription(session, wire, opening, heartbeat=1.0) as reader:
                await settle()
                yield Reading(wire, reader)

    async def history(self) -> list[int]:
        """The offsets that the log has."""
        found: list[int] = []
        while events := await self.hub.events.read(NAME, found[-1] if found else 0):
            found += [event.offset for event in events]
        return found


async def settle(turns: int = 30) -> None:
    """Let the loop turn until nothing is left to do: nothing here waits for anything else."""
    for _ in range(turns):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Log nothing under warning: a history has thousands of lines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """An empty hub."""
    async with memory.open() as events:
        yield Stage(Hub(Settings(), events))

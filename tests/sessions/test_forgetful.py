"""The same readers over logs that let go of their memory, as the contract allows them to."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from server.eventlog import EventLog, memory, sqlite
from server.sessions.hub import Hub
from server.settings import Settings
from tests.sessions.conftest import NAME, Stage, settle
from tests.sessions.wire import Wire


class NothingRecent(memory.MemoryLog):
    """A log that never has anything at hand, like one on another machine."""

    def recent(self, session: str, after: int) -> None:
        """Say: read it."""


@asynccontextmanager
async def nothing_recent(_: Path) -> AsyncIterator[EventLog]:
    """Open it."""
    yield NothingRecent()


def tiny_journal(path: Path) -> AbstractAsyncContextManager[EventLog]:
    """Open a log that packs what it has in memory all the time."""
    return sqlite.open(path / "log.db", journal_bytes=2000)


@pytest.mark.parametrize("open_log", [nothing_recent, tiny_journal])
@pytest.mark.parametrize("seed", range(15))
async def test_what_memory_lets_go_of_still_reaches_live_readers(
    tmp_path: Path, seed: int, open_log: Callable[[Path], AbstractAsyncContextManager[EventLog]]
) -> None:
    """Events that are not in memory any more are read, once and in order."""
    chance = random.Random(seed)
    async with open_log(tmp_path) as events:
        stage = Stage(Hub(Settings(), events))
        await stage.start()
        wire = Wire()
        async with stage.reading(wire=wire) as it:
            for _ in range(20):
                await stage.emit(chance.choice([1, 3, 60]))
                if chance.random() < 0.3:
                    wire.stall()
                if chance.random() < 0.5:
                    wire.flow()
                await settle(chance.randint(0, 40))
            wire.flow()
            await stage.finish()
            await it.ended
        seen: list[int] = []
        while page := await events.read(NAME, len(seen)):
            seen += [event.offset for event in page]
        assert wire.offsets == seen

"""The same readers over a log that lets go of its memory all the time."""

import random
from pathlib import Path

import pytest

from server.eventlog import sqlite
from server.sessions.hub import Hub
from server.settings import Settings
from tests.sessions.conftest import NAME, Stage, settle
from tests.sessions.wire import Wire


@pytest.mark.parametrize("seed", range(15))
async def test_what_memory_lets_go_of_still_reaches_live_readers(tmp_path: Path, seed: int) -> None:
    """Events that were packed before a session looked are read from disk, once and in order."""
    chance = random.Random(seed)
    async with sqlite.open(tmp_path / "log.db", journal_bytes=2000) as events:
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
            await it.task
        seen: list[int] = []
        while page := await events.read(NAME, len(seen)):
            seen += [event.offset for event in page]
        assert wire.offsets == seen

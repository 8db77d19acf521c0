"""Both back ends behind one name, and SQLite with limits so small that all its machinery runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from server.eventlog import EventLog, memory, sqlite
from server.eventlog.commits import Commits

Opener = Callable[[], AbstractAsyncContextManager[EventLog]]

#: Limits at which every few appends are packed and copied, between any two others too.
restless = partial(sqlite.open, journal_bytes=2000, wal_pages=8, calm_seconds=0.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is to be, in a folder that is not there yet."""
    return tmp_path / "data" / "keepstream.db"


@pytest.fixture(params=["memory", "sqlite", "sqlite, restless"])
def opener(request: pytest.FixtureRequest, path: Path) -> Opener:
    """What opens the store under test."""
    openers: dict[str, Opener] = {
        "memory": memory.open,
        "sqlite": partial(sqlite.open, path),
        "sqlite, restless": partial(restless, path),
    }
    return openers[request.param]


@pytest.fixture
async def events(opener: Opener) -> AsyncIterator[EventLog]:
    """An open, empty event log."""
    async with opener() as log:
        yield log


@pytest.fixture
def as_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is closed leaves its journal, as one does that is killed."""

    async def leave(_: Commits) -> None:
        pass

    monkeypatch.setattr(Commits, "_pack_all", leave)

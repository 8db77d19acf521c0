"""SQLite when things go wrong: a kill -9, a full disk, a commit that fails."""

import asyncio
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import apsw.ext
import pytest

from server.eventlog import rows, sqlite
from tests.eventlog.children import numbers
from tests.eventlog.conftest import restless
from tests.eventlog.making import drafts, offsets, session, unnumbered, until, whole

CHILD = [sys.executable, "-m", "tests.eventlog.children"]


async def test_kill_9(path: Path) -> None:
    """Whatever was acknowledged before a kill -9 is there, once, with the record beside it."""
    chance = random.Random(7)
    for _ in range(4):
        acknowledged = await asyncio.to_thread(_killed_after, path, chance.randrange(1, 150))
        async with restless(path) as events:
            for name, n in acknowledged.items():
                log = numbers([event.line for event in await whole(events, name)])
                assert log == list(range(1, len(log) + 1))
                assert len(log) >= n
                record = await events.run(f"r_{name}")
                assert record is not None
                assert record.pid == len(log)


def _killed_after(path: Path, lines: int) -> dict[str, int]:
    """Have a process append, kill it after so many acknowledgements; the last of each session."""
    acknowledged: dict[str, int] = {}
    with subprocess.Popen(
        [*CHILD, "chatty", str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(lines):
            name, n = child.stdout.readline().split()
            acknowledged[name] = int(n)
        child.kill()
        for line in child.stdout:  # what it said before it died
            name, n = line.split() if line.endswith("\n") else (name, str(acknowledged[name]))
            acknowledged[name] = int(n)
    return acknowledged


def test_a_full_disk(path: Path) -> None:
    """While nothing fits, appends fail with advice, nothing is lost, and it goes on by itself."""
    child = [*CHILD, "on_a_small_disk", str(path)]
    said = subprocess.run(child, capture_output=True, text=True, check=True, timeout=60).stdout
    lines = [line for line in said.splitlines() if not line.startswith("20")]  # not the log lines
    assert "nothing that was acknowledged is lost" in lines[0]
    assert lines[1:] == ["refused True", "kept", "again True"]


@contextmanager
def refusing(path: Path, table: str, condition: str = "1") -> Iterator[None]:
    """Have the database itself refuse rows of ``table``, as a stranger can."""
    stranger = apsw.Connection(str(path))
    stranger.set_busy_timeout(5000)
    stranger.execute(
        f"CREATE TRIGGER no BEFORE INSERT ON {table} WHEN {condition}"
        " BEGIN SELECT RAISE(FAIL, 'no'); END"
    )
    try:
        yield
    finally:
        stranger.execute("DROP TRIGGER no")
        stranger.close()


async def test_a_failed_commit_takes_what_waits_behind_it_along(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's append is kept after one of the same session that was not; other sessions' are."""
    commit, begun, go_on = rows.commit, threading.Event(), threading.Event()

    def held(*given: Any) -> tuple[float, int]:
        begun.set()
        assert go_on.wait(60)
        return commit(*given)

    async with sqlite.open(path, calm_seconds=60.0) as events:  # no other commit comes between
        await events.append(session(), drafts(1), producer="r_1")
        monkeypatch.setattr(rows, "commit", held)
        with refusing(path, "journal", "instr(CAST(new.body AS TEXT), 'unlucky')"):
            unlucky = events.append(session(), drafts(2, text="unlucky"), producer="r_1")
            await until(begun.is_set)
            behind = events.append(session(), drafts(3), producer="r_1")
            beside = events.append(session("s2"), drafts(1), producer="r_2")
            go_on.set()
            errors = await asyncio.gather(unlucky, behind, return_exceptions=True)
            assert {getattr(error, "code", None) for error in errors} == {"store_unavailable"}
            assert offsets(await beside) == [1]
        again = await events.append(session(), drafts(2, 3, 4), producer="r_1")
        assert offsets(again) == [2, 3, 4]


async def test_packing_that_fails_fails_no_append(path: Path) -> None:
    """While nothing can be packed appends go on, and it is packed when that can be done again."""
    async with sqlite.open(path, journal_bytes=1000) as events:
        with refusing(path, "segments"):
            log = await events.append(session(), unnumbered(20))
            for _ in range(5):
                log = [*log, *await events.append(session(), unnumbered(20))]
            assert events.recent("s1", 0) == log
        await until(lambda: events.recent("s1", 0) is None)
        assert await whole(events, "s1") == log

"""SQLite when things go wrong: a kill -9, a full disk, a commit that fails."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import apsw
import apsw.ext

from server.eventlog import sqlite
from tests.eventlog.children import numbers
from tests.eventlog.conftest import restless
from tests.eventlog.making import drafts, offsets, session, whole

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
    assert lines[1:] == ["StoreUnavailable", "kept", "again True"]


async def test_a_failed_commit_takes_what_waits_behind_it_along(path: Path) -> None:
    """Nobody's append is kept after one of the same session that was not."""
    async with sqlite.open(path) as events:
        await events.append(session(), drafts(1), producer="r_1")
        stranger = apsw.Connection(str(path))
        stranger.execute(
            "CREATE TRIGGER no BEFORE INSERT ON journal BEGIN SELECT RAISE(FAIL, 'no'); END"
        )
        failing = [events.append(session(), drafts(n), producer="r_1") for n in (2, 3)]
        await asyncio.sleep(0)
        failing += [events.append(session(), drafts(4), producer="r_1")]
        errors = await asyncio.gather(*failing, return_exceptions=True)
        stranger.execute("DROP TRIGGER no")
        stranger.close()
        assert {getattr(error, "code", None) for error in errors} == {"store_unavailable"}
        again = await events.append(session(), drafts(2, 3, 4), producer="r_1")
        assert offsets(again) == [2, 3, 4]

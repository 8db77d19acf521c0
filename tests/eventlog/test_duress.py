"""A disk without room and a disk that fails: what is still taken, and how it ends."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from server.errors import StoreUnavailable
from server.eventlog import EventLog, sqlite
from server.eventlog.ballast import Ballast
from server.eventlog.duress import Claim, Condition, Signal, claim, step
from server.eventlog.group import Append
from server.eventlog.mending import urgent
from tests.disks import faulty, fill, needs_root, needs_strace, small_disk
from tests.eventlog.making import (
    drafts,
    ended,
    offsets,
    run,
    session,
    unnumbered,
    until,
    whole,
)

WORDS = "x" * 1000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    with small_disk(tmp_path / "disk") as at:
        yield at


# -- what is decided


def test_every_signal_has_one_meaning_in_every_condition() -> None:
    """Only proof ends a failing store, only room a full one; a fault counts for more."""
    table = {
        (before, signal): step(before, signal)
        for before, signal in itertools.product(Condition, Signal)
        if step(before, signal) is not before
    }
    assert table == {
        (Condition.HEALTHY, Signal.NO_ROOM): Condition.FULL,
        (Condition.HEALTHY, Signal.FAULT): Condition.FAILING,
        (Condition.FULL, Signal.ROOM): Condition.HEALTHY,
        (Condition.FULL, Signal.FAULT): Condition.FAILING,
        (Condition.FAILING, Signal.PROVED): Condition.HEALTHY,
        (Condition.FAILING, Signal.NO_ROOM): Condition.FULL,
    }


@pytest.mark.parametrize(
    ("fields", "events", "granted"),
    [
        ({"state": "queued"}, True, Claim.NONE),
        ({"state": "running"}, True, Claim.NONE),
        ({"state": "running", "cancel": "why"}, True, Claim.SOME),
        ({"state": "running", "cancel": "why"}, False, Claim.ALL),
        ({"state": "error"}, True, Claim.ALL),
        ({"state": "cancelled", "cancel": "why"}, True, Claim.ALL),
    ],
)
def test_only_what_ends_a_run_has_a_claim(
    fields: dict[str, str], events: bool, granted: Claim
) -> None:
    """A cancel and an end may use all that is kept, the last words of a cancelled run half."""
    assert claim(run(**fields), events=events) is granted
    assert claim(None, events=events) is Claim.NONE


def test_nothing_overtakes_in_its_session() -> None:
    """An end that stands behind an event of its session which has to wait, waits with it."""
    made = [
        Append.of(session("a"), unnumbered(1), "r", None, unheard),
        Append.of(session("a"), unnumbered(1), "r", ended("r"), unheard),
        Append.of(session("b"), unnumbered(1), "q", ended("q"), unheard),
    ]
    kept = urgent(made, Claim.SOME)
    assert [(each.session.id, each in kept) for each in made] == [
        ("a", False),
        ("a", False),
        ("b", True),
    ]


def unheard(_events: object, _error: object) -> None:
    """Who does not want to know."""


# -- the ballast


@needs_root
def test_ballast_goes_in_slices_and_comes_back_whole(disk: Path) -> None:
    """Half of it is only for ends; it is taken again when there is room for it and for more."""
    ballast = Ballast(disk / "ballast")
    assert ballast.take()
    size = (disk / "ballast").stat().st_size
    assert size == (disk / "ballast").stat().st_blocks * 512 == 2 * 1024 * 1024
    filler = fill(disk)
    some = sum(iter(lambda: ballast.give(Claim.SOME), False))
    every = sum(iter(lambda: ballast.give(Claim.ALL), False))
    assert (some, every) == (4, 4)
    assert not ballast.give(Claim.NONE)
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - 1024)
    assert not ballast.take()
    filler.unlink()
    assert ballast.take()
    assert (disk / "ballast").stat().st_size == size


# -- a full disk


async def _flood(events: EventLog, name: str) -> int:
    """Append until the store refuses; how many events were taken."""
    taken = 0
    while True:
        try:
            taken += len(await events.append(session(name), unnumbered(20, WORDS)))
        except StoreUnavailable:
            return taken


@needs_root
async def test_a_full_disk_takes_what_ends_runs(disk: Path) -> None:
    """Events wait, cancels and ends of fifty runs go through, and all is read meanwhile."""
    async with sqlite.open(disk / "keepstream.db") as events:
        log = await events.append(session(), drafts(1), producer="r_1", record=run())
        filler = fill(disk)
        with structlog.testing.capture_logs() as lines:
            kept = await _flood(events, "flood")
            assert events.health().condition == "full"
            for _ in range(20):
                with pytest.raises(StoreUnavailable, match="full: free some space"):
                    await events.append(session(), drafts(2), producer="r_1")
            for number in range(50):
                name = f"e{number}"
                await events.append(session(name), [], record=run(f"r_{name}", name, cancel="why"))
                end = ended(f"r_{name}", in_session=name)
                assert len(await events.append(session(name), unnumbered(1), record=end)) == 1
            assert await whole(events, "s1") == log
            assert len(await whole(events, "flood")) == kept
            filler.unlink()
            await until(lambda: events.health().condition == "healthy")
        assert [line["event"] for line in lines] == [
            "The store has no room: runs are held back, new ones refused",
            "The store takes events again",
        ]
        assert offsets(await events.append(session(), drafts(2), producer="r_1")) == [2]


@needs_root
async def test_a_disk_that_fills_and_empties(disk: Path) -> None:
    """However often: what was taken is there, in order, once, also in the next life."""
    taken = 0
    for _ in range(2):
        async with sqlite.open(disk / "keepstream.db", journal_bytes=300_000) as events:
            for _ in range(3):
                filler = fill(disk)
                taken += await _flood(events, "s1")
                filler.unlink()
                await until(lambda: events.health().condition == "healthy")
                taken += len(await events.append(session(), unnumbered(20)))
            assert offsets(await whole(events, "s1")) == list(range(1, taken + 1))


@needs_root
async def test_a_store_is_opened_on_a_full_disk(disk: Path) -> None:
    """It reads, and says that it is full; ends are taken."""
    async with sqlite.open(disk / "keepstream.db") as events:
        log = await events.append(session(), unnumbered(5, WORDS))
    filler = fill(disk)
    async with sqlite.open(disk / "keepstream.db") as events:
        assert events.health().condition == "full"
        assert await whole(events, "s1") == log
        assert await events.append(session(), unnumbered(1), record=ended())
        filler.unlink()
        await until(lambda: events.health().condition == "healthy")


# -- a disk that fails


@needs_strace
@pytest.mark.parametrize(
    "fault",
    [
        "fdatasync:error=EIO",
        "fdatasync:error=ENOSPC",
        "pwrite64:error=EIO",
        "pwrite64:error=ENOSPC",
        "fdatasync:error=EIO:when=1+2",
    ],
)
@pytest.mark.parametrize("ending", ["mended", "killed"])
def test_faults(path: Path, fault: str, ending: str) -> None:
    """Nothing is acknowledged that is not there, nothing is there that was refused."""
    child = [sys.executable, "-m", "tests.eventlog.children", "stubborn", str(path)]
    with subprocess.Popen(child, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as store:
        assert store.stdin is not None
        assert store.stdout is not None
        said = [_line(store) for _ in range(20)]
        with faulty(store.pid, fault):
            while not any(line[0] == "refused" for line in said):
                said.append(_line(store))
            said += [_line(store) for _ in range(10)]
            if ending == "killed":
                store.kill()
        if ending == "mended":
            begin = len(said)
            while sum(line[0] == "kept" for line in said[begin:]) < 10:
                said.append(_line(store))
            store.stdin.close()
        said += [tuple(line.split()) for line in store.stdout if line.endswith("\n")]
    asyncio.run(_agree(path, [line for line in said if line[0] in {"kept", "refused"}]))


def _line(store: "subprocess.Popen[str]") -> tuple[str, ...]:
    assert store.stdout is not None
    while True:
        line = store.stdout.readline()
        assert line, "the store's process ended"
        if line.startswith(("kept", "refused")):
            return tuple(line.split())


async def _agree(path: Path, said: list[tuple[str, ...]]) -> None:
    async with sqlite.open(path) as events:
        log = [event.line for event in await whole(events, "s1")]
        there = [line.split(b'"text":"')[1].split(b'"')[0].decode() for line in log]
        kept = [line[1] for line in said if line[0] == "kept"]
        refused = {line[1] for line in said if line[0] == "refused"}
        assert kept
        assert refused
        assert there[: len(kept)] == kept
        assert len(there) - len(kept) <= 1  # in flight when it was killed
        assert not refused & set(there)

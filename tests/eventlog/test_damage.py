"""Bits that flip on the disk: never another byte than was written, never a silent gap."""

import random
import shutil
from pathlib import Path

import pytest

from server.errors import StoreDamaged, StoreRefused
from server.eventlog import EventLog, sqlite
from server.events import Event
from tests.eventlog.making import drafts, run, session, unnumbered, until

SESSIONS = 12
LAST = f"s{SESSIONS // 2 - 1}"  # who was written to last
SEEDS = 300


async def fill(path: Path, *, crash: bool) -> dict[str, list[Event]]:
    """Make a store with segments and a journal; with ``crash``, as a kill leaves it."""
    written: dict[str, list[Event]] = {f"s{i}": [] for i in range(SESSIONS)}
    at = path if not crash else path.with_name("before.db")
    async with sqlite.open(at, journal_bytes=120_000) as events:
        for name in [*written, *written]:
            await _append(events, written, name, 12)
        await until(lambda: events.recent("s0", 0) is None)
        for name in list(written)[: SESSIONS // 2]:
            await _append(events, written, name, 3)
        if crash:
            for suffix in ("", "-wal"):
                shutil.copy(at.with_name(at.name + suffix), path.with_name(path.name + suffix))
    return written


async def _append(events: EventLog, written: dict[str, list[Event]], name: str, count: int) -> None:
    n = len(written[name])
    told = drafts(*range(n + 1, n + count + 1), text=f"{name} " * random.Random(n).randrange(250))
    record = run(f"r_{name}", name)
    written[name] += await events.append(session(name), told, producer=f"r_{name}", record=record)


async def read_all(
    events: EventLog, name: str, last: int
) -> tuple[dict[int, Event], list[StoreDamaged]]:
    """Read as a subscription does: behind each damaged stretch the log goes on."""
    found: dict[int, Event] = {}
    errors: list[StoreDamaged] = []
    after = 0
    while after < last:
        try:
            page = await events.read(name, after)
        except StoreDamaged as error:
            errors.append(error)
            assert not error.last or error.first == after + 1 <= error.last, error
            after = error.last or last
            continue
        assert page, (name, after, last)
        assert [event.offset for event in page] == list(range(after + 1, after + len(page) + 1))
        found |= {event.offset: event for event in page}
        after = page[-1].offset
    return found, errors


async def check(path: Path, written: dict[str, list[Event]], epochs: dict[str, str]) -> str:
    """Open a damaged store; what was seen of the damage, AssertionError if it lied."""
    try:
        async with sqlite.open(path, ballast_bytes=0) as events:
            seen = "whole"
            for name, log in written.items():
                try:
                    head = await events.head(name)
                except StoreDamaged as error:
                    assert error.session == name
                    seen = "damaged"
                    continue
                if head is None:  # lost with the end of the write-ahead log, like all behind it
                    assert any(not error.session for error in events.health().damaged)
                    continue
                if name == LAST and (head.last, head.record.epoch) == (len(log) - 3, epochs[name]):
                    seen = "torn"  # the last commit of all is no more than a loss of power leaves
                    continue
                assert head.last == len(log) or head.record.epoch != epochs[name], (name, head)
                found, errors = await read_all(events, name, head.last)
                assert all(log[offset - 1] == event for offset, event in found.items()), name
                assert len(found) == head.last or errors, name
                assert {error.session for error in errors} <= {name}
                try:
                    (more,) = await events.append(session(name), unnumbered(1))
                    assert more.offset == head.last + 1
                except StoreDamaged:
                    seen = "damaged"
                if errors or head.last != len(log):
                    seen = "damaged"
            noted = events.health().damaged
            assert noted or seen != "damaged"
            return seen
    except StoreRefused as error:
        assert "damaged" in error.message or "not a database" in error.message, error.message
        return "refused"


def flip(path: Path, dice: random.Random) -> tuple[int, int]:
    """Flip one to three bits of one page; return where."""
    content = bytearray(path.read_bytes())
    begin = dice.randrange(len(content) // 8192) * 8192
    size = min(8192, len(content) - begin)
    at = 0
    for _ in range(dice.randint(1, 3)):
        at = begin + dice.randrange(size)
        content[at] ^= 1 << dice.randrange(8)
    path.write_bytes(content)
    return begin, at


@pytest.mark.parametrize("crash", [False, True], ids=["closed", "crashed"])
async def test_flipped_bits_are_never_served(tmp_path: Path, crash: bool) -> None:
    """What is read is what was written, and what cannot be read is said, session by session."""
    origin = tmp_path / "origin" / "keepstream.db"
    origin.parent.mkdir()
    written = await fill(origin, crash=crash)
    for left in {*origin.parent.glob("before*"), *origin.parent.glob("*.ballast")}:
        left.unlink()
    epochs = await _epochs(origin, tmp_path)
    seen: dict[str, int] = {}
    for seed in range(SEEDS):
        dice = random.Random(seed)
        place = tmp_path / "damaged"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(origin.parent, place, ignore=shutil.ignore_patterns("*.lock"))
        path = place / origin.name
        flip(dice.choice([each for each in place.iterdir() if each.stat().st_size]), dice)
        try:
            outcome = await check(path, written, epochs)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        seen[outcome] = seen.get(outcome, 0) + 1
    print(seen)
    assert crash or "torn" not in seen
    assert seen["damaged"] > seen.get("refused", 0), seen


async def _epochs(origin: Path, tmp_path: Path) -> dict[str, str]:
    copy = tmp_path / "copy"
    shutil.copytree(origin.parent, copy)
    async with sqlite.open(copy / origin.name, ballast_bytes=0) as events:
        return {head.record.id: head.record.epoch for head in await events.sessions(limit=99)}

"""What readers who catch up share, and that nobody notices but by its pace."""

import asyncio
import gc
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import StoreDamaged
from server.events import Event
from server.sessions.session import Session
from server.sessions.stretches import (
    IN_A_ROW,
    STRETCH_BYTES,
    STRETCH_COST,
    Stretch,
    Stretches,
    parts,
)
from tests.sessions.conftest import Stage, settle
from tests.sessions.wire import LINES, Wire


def log_of(sizes: Sequence[int]) -> list[Event]:
    """Events of these sizes."""
    return [Event(offset, "word", b"x" * size) for offset, size in enumerate(sizes, 1)]


async def walk(stretches: Stretches, log: list[Event], pages: list[int]) -> list[Stretch]:
    """Go through ``log`` as a reader does whose pages have these many events."""
    found: list[Stretch] = []
    after = 0
    while after < len(log):
        page = pages[len(found) % len(pages)]

        async def read(after: int = after, page: int = page) -> Sequence[Event]:
            return log[after : after + page]

        key = "s", "e", after
        stretch = stretches.find(key) or await stretches.next(key, read, lambda: len(log))
        assert stretch is not None
        found.append(stretch)
        after = stretch.last
    return found


SIZES = st.lists(st.integers(1, STRETCH_BYTES + 100), min_size=1, max_size=60)


@given(SIZES, st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_every_event_comes_once_and_in_order(sizes: list[int], pages: list[int]) -> None:
    """However a log is cut into pages, its stretches are the log."""
    log = log_of(sizes)
    found = asyncio.run(walk(Stretches(), log, pages))
    assert [event for stretch in found for event in stretch.events] == log
    for stretch in found:
        assert len(stretch.events) == 1 or stretch.size <= STRETCH_BYTES + STRETCH_COST


@given(SIZES, st.integers(0, 5))
def test_bounds_do_not_depend_on_the_pages(sizes: list[int], more: int) -> None:
    """Readers that began at the same event meet, if a page is more than a stretch."""
    log = log_of(sizes)
    whole = [part[-1].offset for part in parts(log)]
    longest = max(len(part) for part in parts(log))
    found = asyncio.run(walk(Stretches(), log, [longest + 1 + more]))
    assert [stretch.last for stretch in found] == whole


@given(SIZES)
def test_what_is_kept_is_bounded(sizes: list[int]) -> None:
    """Those that nobody asked for lately go, and are read again."""
    log = log_of(sizes)
    stretches = Stretches(limit=3 * STRETCH_BYTES)
    asyncio.run(walk(stretches, log, [7]))
    kept = [stretches.find(("s", "e", after)) for after in range(len(log))]
    assert sum(stretch.size for stretch in kept if stretch is not None) <= 3 * STRETCH_BYTES
    found = asyncio.run(walk(stretches, log, [7]))
    assert [event for stretch in found for event in stretch.events] == log


async def test_a_crowd_reads_the_log_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty who come late at once cost the store what one costs, and each has every event."""
    await stage.start()
    for _ in range(20):
        await stage.emit(100)
    await stage.finish()
    reads = 0
    read = Session.read

    async def counted(self: Session, after: int) -> Sequence[Event]:
        nonlocal reads
        reads += 1
        return await read(self, after)

    monkeypatch.setattr(Session, "read", counted)
    async with stage.reading() as alone:
        await alone.ended
        one, reads = reads, 0
    stage.hub._stretches = Stretches()
    async with AsyncExitStack() as stack:
        crowd = [await stack.enter_async_context(stage.reading()) for _ in range(50)]
        for number, it in enumerate(crowd):
            if number % 3:
                it.wire.stall()
                await settle(number % 7)
                it.wire.flow()
        history = await stage.history()
        for it in crowd:
            await it.ended
            assert it.wire.offsets == history
    assert 0 < reads <= one


async def test_who_takes_everything_lets_others_have_their_turn(stage: Stage) -> None:
    """A reader whose socket never fills is handed a few stretches, and then the loop goes round."""
    await stage.start()
    for _ in range(100):
        await stage.emit(100)
    await stage.finish()
    async with stage.reading() as first:
        await first.ended
    wire, seen = Wire(), [0]

    async def others() -> None:
        while True:
            await asyncio.sleep(0)
            seen.append(len(wire.taken))

    ticking = asyncio.create_task(others())
    async with stage.reading(wire=wire) as second:
        await second.ended
    ticking.cancel()
    assert wire.offsets == first.wire.offsets
    most = max(b - a for a, b in pairwise(seen))
    stretch = STRETCH_BYTES * 11 // 10  # with its lines' ends
    assert most <= IN_A_ROW * stretch
    assert len(wire.taken) > 5 * most


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "being read"])
async def test_in_a_turn_of_the_loop_one_is_let_on(*, kept: bool) -> None:
    """Between two of those who catch up the live ones have the loop; nobody is left behind."""
    stretches, log, on = Stretches(), log_of([5] * 10), []

    async def read() -> Sequence[Event]:
        return log

    async def reader(number: int) -> None:
        await stretches.next(("s", "e", 0), read, lambda: 10)
        on.append(number)

    if kept:
        await reader(-1)
        on.clear()

    crowd = [asyncio.create_task(reader(number)) for number in range(40)]
    await asyncio.sleep(0)
    crowd[3].cancel()
    seen = []
    for _ in range(60):
        await asyncio.sleep(0)
        seen.append(len(on))
    assert on == [number for number in range(40) if number != 3]
    assert max(b - a for a, b in pairwise([0, *seen])) <= 1


async def test_a_failure_is_told_to_those_who_wait(caplog: pytest.LogCaptureFixture) -> None:
    """Each hears it, also the second time; where all have left, nobody complains about it."""
    stretches, go = Stretches(), asyncio.Event()

    async def read() -> Sequence[Event]:
        await go.wait()
        raise StoreDamaged("gone")

    async def ask() -> None:
        with pytest.raises(StoreDamaged):
            await stretches.next(("s", "e", 0), read, lambda: 10)

    asked = [asyncio.create_task(ask()) for _ in range(3)]
    await settle(3)
    asked[0].cancel()
    go.set()
    await asyncio.gather(*asked[1:])
    go.clear()
    alone = asyncio.create_task(ask())
    await settle(3)
    alone.cancel()
    go.set()
    await settle(5)
    gc.collect()
    assert not caplog.records


async def test_what_many_waited_for_is_one() -> None:
    """All who waited for the same page get the same stretch, and with it the same bytes."""
    stretches, log = Stretches(), log_of([5000] * 10)

    async def read() -> Sequence[Event]:
        await settle(3)
        return log

    key = "s", "e", 0
    found = await asyncio.gather(*(stretches.next(key, read, lambda: 10) for _ in range(5)))
    assert found[0] is not None
    assert {id(stretch) for stretch in found} == {id(stretches.find(key))} == {id(found[0])}


async def test_one_that_is_cancelled_leaves_the_others_their_page() -> None:
    """Who waits for the same page waits for the log, not for who asked first."""
    stretches, log, go = Stretches(), log_of([5] * 10), asyncio.Event()

    async def read() -> Sequence[Event]:
        await go.wait()
        return log

    key = "s", "e", 0
    asked = [asyncio.create_task(stretches.next(key, read, lambda: 10)) for _ in range(2)]
    await settle(3)
    asked[0].cancel()
    await settle(3)
    go.set()
    stretch = await asked[1]
    assert stretch is not None
    assert stretch.encoded(LINES, "e") == b"".join(event.line + b"\n" for event in log)

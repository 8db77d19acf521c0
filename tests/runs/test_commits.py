"""The way into the log on a bad day: nothing is lost, nothing comes twice, nobody else waits."""

import asyncio

import pytest

from server.errors import StoreUnavailable
from server.runs import commits
from tests.runs.conftest import Place


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "RETRY_SECONDS", (0.01,))


async def test_events_outlast_a_store_that_refuses(place: Place) -> None:
    """They are kept and tried again until the store takes them: all of them, in order, once."""
    run = await place.started("waits")
    place.kept.refuses = True
    flood = await _accept_while_refusing(place)
    await place.kept.until(lambda: place.kept.refused > 5)
    place.kept.refuses = False
    await place.kept.end(flood)
    steps = [event["data"]["i"] for event in place.kept.of(flood) if event["type"] == "step"]
    assert steps == list(range(2000))
    await place.runs.cancel(run, "enough")
    await place.kept.end(run)


async def _accept_while_refusing(place: Place) -> str:
    place.kept.refuses = False
    run = await place.start("chatty", count=2000, pad=1000)
    await place.kept.until(lambda: place.kept.records[run].state == "running")
    place.kept.refuses = True
    return run


async def test_a_death_while_the_store_refuses_loses_nothing(place: Place) -> None:
    """What the dead process had sent is kept with its end, when the store takes it at last."""
    run = await place.start("exits_with", code=0)
    await place.kept.until(lambda: place.kept.records[run].state == "running")
    place.kept.refuses = True
    await place.kept.until(lambda: place.kept.refused > 20)
    place.kept.refuses = False
    assert (await place.kept.end(run))["data"]["code"] == "workflow_crashed"
    assert place.kept.types(run) == ["run_start", "step", "error"]


async def test_a_cancel_that_the_store_refuses_was_not_asked_for(place: Place) -> None:
    """The caller hears it, and the run goes on."""
    run = await place.started("waits")
    place.kept.refuses = True
    with pytest.raises(StoreUnavailable):
        await place.runs.cancel(run, "enough")
    place.kept.refuses = False
    assert place.runs.get(run).cancel is None  # type: ignore[union-attr]
    await place.runs.cancel(run, "now")
    assert (await place.kept.end(run))["data"] == {"reason": "now"}


async def test_a_slow_store_slows_the_child_and_not_memory(place: Place) -> None:
    """While a commit is in flight no more than a read or two of the pipe is taken."""
    run = await place.start("chatty", count=30_000, pad=1000)
    await place.kept.until(lambda: len(place.kept.types(run)) > 1)
    place.kept.holds = True
    intake = place.runs._children[run]._intake
    async with asyncio.timeout(60):
        # It may be paused by what came before, too.
        while not place.kept.holding or intake._connection is None or intake._connection._reading:
            await asyncio.sleep(0)
    assert place.kept.holding == 1
    assert sum(map(len, intake._backlog)) < 1 << 20
    place.kept.release()
    assert (await place.kept.end(run))["data"] == {"result": 30_000}
    assert len(place.kept.types(run)) == 30_002

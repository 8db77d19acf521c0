"""Cancels, time limits, and the server's own end."""

import asyncio

import pytest

from server.errors import ShuttingDown
from server.runs import Found
from tests.runs.conftest import Open, Place, a_record, alive, until_gone


async def test_a_cancel_is_committed_and_ends_the_run(place: Place) -> None:
    """The record holds the reason when the call returns; the run ends as `cancelled` with it."""
    run = await place.started("waits")
    await place.runs.cancel(run, "enough")
    assert place.kept.records[run].cancel == "enough"
    end = await place.kept.end(run)
    assert (end["type"], end["data"]) == ("cancelled", {"reason": "enough"})


async def test_the_first_reason_counts(place: Place) -> None:
    """A second cancel, and one of a run that has ended, change nothing."""
    run = await place.started("waits")
    await asyncio.gather(place.runs.cancel(run, "first"), place.runs.cancel(run, "second"))
    end = await place.kept.end(run)
    assert end["data"] == {"reason": "first"}
    await place.runs.cancel(run, "third")
    assert len(place.kept.of(run)) == end["offset"]


async def test_an_outcome_in_the_grace_is_what_it_says(place: Place) -> None:
    """A run that completes although it was told to stop is complete."""
    run = await place.started("finishes_when_told")
    await place.runs.cancel(run, "enough")
    assert (await place.kept.end(run))["data"] == {"result": "in time"}


async def test_a_death_in_the_grace_is_cancelled(place: Place) -> None:
    """Whoever dies of a cancel has done what was asked."""
    run = await place.started("dies_when_told")
    await place.runs.cancel(run, "enough")
    assert (await place.kept.end(run))["data"] == {"reason": "enough"}


async def test_who_ignores_a_cancel_is_killed(place: Place) -> None:
    """After the grace the process is gone and the run is `workflow_unresponsive`."""
    run = await place.started("ignores")
    pid = place.kept.of(run)[1]["data"]["pid"]
    await place.runs.cancel(run, "enough")
    end = await place.kept.end(run)
    assert (end["type"], end["data"]["code"]) == ("error", "workflow_unresponsive")
    await until_gone(pid)


@pytest.mark.parametrize("workflow", ["waits", "ignores"])
async def test_a_run_out_of_time_is_stopped(place: Place, workflow: str) -> None:
    """It is told first and killed then; in both cases it is `workflow_timeout`."""
    end = await place.end_of(workflow, timeout=0.2)
    assert (end["type"], end["data"]["code"]) == ("error", "workflow_timeout")


async def test_a_run_that_completes_when_its_time_is_up_is_complete(place: Place) -> None:
    """A result beats the clock."""
    end = await place.end_of("finishes_when_told", timeout=0.2)
    assert end["data"] == {"result": "in time"}


async def test_a_run_that_was_never_started_is_cancelled_at_once(open_runs: Open) -> None:
    """A queued run ends as `cancelled` without a process, and leaves the queue."""
    async with open_runs(max_runs=1, max_queued_runs=1) as place:
        first = await place.started("waits")
        second = await place.start("waits")
        await place.runs.cancel(second, "not needed")
        assert (await place.kept.end(second))["data"] == {"reason": "not needed"}
        assert place.kept.types(second) == ["run_start", "cancelled"]
        assert place.kept.records[second].pid == 0
        place.runs.check_capacity()
        await place.runs.cancel(first, "enough")
        await place.kept.end(first)


async def test_a_cancel_before_the_start_runs_no_code(place: Place) -> None:
    """Between its acceptance and its start a run can be cancelled, and never starts."""
    runs = [await place.start("chatty") for _ in range(10)]
    await asyncio.gather(*(place.runs.cancel(run, "changed my mind") for run in runs))
    for run in runs:
        end = await place.kept.end(run)
        if end["type"] == "cancelled" and not place.kept.records[run].start_given:
            assert place.kept.types(run) == ["run_start", "cancelled"]


async def test_stopping_ends_every_run_in_time(open_runs: Open) -> None:
    """The willing and the deaf have a terminal event when `stop` returns; the queued is left."""
    async with open_runs(max_runs=2, cancel_grace_seconds=30) as place:
        willing = await place.started("waits")
        deaf = await place.started("ignores")
        queued = await place.start("waits")
        await place.runs.stop("cancel", "the server goes", within=4)
        ends = [place.kept.of(run)[-1] for run in (willing, deaf)]
        assert [end["type"] for end in ends] == ["cancelled", "error"]
        assert ends[0]["data"] == {"reason": "the server goes"}
        assert ends[1]["data"]["code"] == "workflow_unresponsive"
        assert list(place.runs.active()) == []
        assert place.kept.types(queued) == ["run_start"]
        assert place.kept.records[queued].state == "queued"
        with pytest.raises(ShuttingDown):
            await place.runs.accept(a_record("silent"))


async def test_draining_lets_runs_end_by_themselves(open_runs: Open) -> None:
    """What ends in its part of the time is complete, what does not is cancelled."""
    async with open_runs(max_runs=2) as place:
        short = await place.started("stays_a_while")
        long = await place.started("waits")
        queued = await place.start("waits")
        await place.runs.stop("drain", "the server goes", within=4)
        assert place.kept.of(short)[-1]["data"] == {"result": "rested"}
        assert place.kept.of(long)[-1]["data"] == {"reason": "the server goes"}
        assert place.kept.types(queued) == ["run_start"]


async def test_leaving_lets_processes_live(open_runs: Open) -> None:
    """Who has its start lives on, and the next one has it again: same process, same events."""
    async with open_runs(stop="leave") as place:
        run = await place.started("finishes_when_told")
        pid = place.kept.records[run].pid
    assert alive(pid)
    assert place.kept.records[run].state == "running"
    async with open_runs(kept=place.kept, found=[found(place, run)]) as next_place:
        await next_place.runs.cancel(run, "enough")
        assert (await place.kept.end(run))["data"] == {"result": "in time"}
        assert place.kept.types(run) == ["run_start", "waiting", "complete"]
    await until_gone(pid)


def found(place: Place, run: str) -> Found:
    """What the log says of a run."""
    return Found(place.kept.records[run], place.kept.last_number(run))

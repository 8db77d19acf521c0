"""At most so many at once, the others in order, and no more than the queue holds."""

import asyncio
from itertools import pairwise

import pytest
from msgspec.structs import replace

from server.errors import AtCapacity, InvalidInput, StoreUnavailable
from server.runs import Catalogue, Found
from tests.runs.conftest import Open, Place, a_record


async def test_runs_wait_for_a_place_and_come_in_order(open_runs: Open) -> None:
    """One place, six runs: never two at once, first come first served."""
    async with open_runs(max_runs=1) as place:
        records = [a_record("chatty") for _ in range(6)]
        states = [(await place.runs.accept(record)).state for record in records]
        assert states == ["starting", *["queued"] * 5]
        for record in records:
            await place.kept.end(record.id)
        told = [(record.id, record.state) for record in place.kept.history]
        started = [run for run, state in told if state == "running"]
        assert started == [record.id for record in records]
        for earlier, later in pairwise(records):
            assert told.index((earlier.id, "complete")) < told.index((later.id, "running"))


async def test_a_full_queue_refuses_and_says_when_to_come_back(open_runs: Open) -> None:
    """One more than places and queue hold is AtCapacity, and nothing of it is kept."""
    async with open_runs(max_runs=1, max_queued_runs=1) as place:
        first, second = await place.started("waits"), await place.start("waits")
        with pytest.raises(AtCapacity) as refusal:
            place.runs.check_capacity()
        assert refusal.value.retry_after
        refused = a_record("waits")
        with pytest.raises(AtCapacity):
            await place.runs.accept(refused)
        assert place.kept.of(refused.id) == []
        for run in (second, first):
            await place.runs.cancel(run, "enough")
            await place.kept.end(run)


async def test_acceptances_at_once_do_not_pass_the_limit(open_runs: Open) -> None:
    """Those that are still being committed count."""
    async with open_runs(max_runs=1, max_queued_runs=2) as place:
        answers = await asyncio.gather(
            *(place.runs.accept(a_record("silent")) for _ in range(5)), return_exceptions=True
        )
        assert [isinstance(answer, AtCapacity) for answer in answers].count(True) == 2


async def test_a_caller_who_leaves_does_not_take_the_run_along(place: Place) -> None:
    """A run whose acceptance was under way runs on when nobody waits for the answer."""
    place.kept.holds = True
    record = a_record("silent")
    accepting = asyncio.create_task(place.runs.accept(record))
    while not place.kept.holding:
        await asyncio.sleep(0)
    accepting.cancel()
    place.kept.release()
    assert (await place.kept.end(record.id))["type"] == "complete"


async def test_a_store_that_refuses_the_start_leaves_no_run(place: Place) -> None:
    """The caller hears it, and the place is free."""
    place.kept.refuses = True
    record = a_record("silent")
    with pytest.raises(StoreUnavailable):
        await place.runs.accept(record)
    assert place.runs.get(record.id) is None
    assert list(place.runs.active()) == []
    place.kept.refuses = False
    assert (await place.end_of("silent"))["type"] == "complete"


async def test_an_input_too_long_for_the_pipe_is_refused(place: Place) -> None:
    """Before anything is committed, with the path."""
    with pytest.raises(InvalidInput) as refusal:
        await place.runs.accept(a_record("silent", text="x" * (1 << 20)))
    assert refusal.value.path == "input"


async def test_a_queued_run_of_an_earlier_server_is_run(open_runs: Open) -> None:
    """Its start is not committed twice."""
    record = a_record("chatty", count=1)
    async with open_runs(found=[Found(record)]) as place:
        await place.kept.end(record.id)
        assert place.kept.types(record.id) == ["step", "complete"]


async def test_a_queued_run_whose_cancel_was_committed_is_cancelled(open_runs: Open) -> None:
    """What was accepted from a caller survives the server."""
    record = a_record("chatty")
    async with open_runs(found=[Found(replace(record, cancel="enough"))]) as place:
        assert (await place.kept.end(record.id))["data"] == {"reason": "enough"}


async def test_a_workflow_that_is_no_more_ends_its_queued_run(open_runs: Open) -> None:
    """A run that cannot be started ends with an error that says why."""
    async with open_runs(of=await _empty()) as place:
        end = await place.end_of("silent")
        assert end["data"]["code"] == "workflow_crashed"
        assert "no workflow is called 'silent'" in end["data"]["message"]


async def _empty() -> Catalogue:
    catalogue = Catalogue([])
    await catalogue.load()
    return catalogue

"""A run asks, somebody answers."""

import asyncio

import pytest

from server.errors import InvalidInput, NotPending, StoreUnavailable
from tests.runs.conftest import Place


async def _asked(place: Place) -> tuple[str, str]:
    run = await place.started("asks")
    return run, place.kept.of(run)[1]["data"]["request"]


async def test_an_answer_is_committed_and_arrives(place: Place) -> None:
    """`input_received` and the record are in one commit; the run goes on with the value."""
    run, request = await _asked(place)
    assert place.runs.get(run).asking == {request: {"type": "integer"}}  # type: ignore[union-attr]
    await place.runs.answer(run, request, 7)
    assert place.kept.records[run].asking == {}
    assert place.kept.records[run].answers == {request: 7}
    assert (await place.kept.end(run))["data"] == {"result": 7}
    assert place.kept.types(run) == ["run_start", "input_request", "input_received", "complete"]
    assert place.kept.of(run)[2]["data"] == {"request": request, "value": 7}


async def test_an_answer_must_fit_what_was_asked_for(place: Place) -> None:
    """Another type is InvalidInput with a path, and the question stays open."""
    run, request = await _asked(place)
    with pytest.raises(InvalidInput) as refusal:
        await place.runs.answer(run, request, "seven")
    assert refusal.value.path == "value"
    await place.runs.answer(run, request, 7)
    await place.kept.end(run)


async def test_a_question_is_answered_once(place: Place) -> None:
    """Two answers at once: one is taken, the other is NotPending."""
    run, request = await _asked(place)
    answers = [place.runs.answer(run, request, value) for value in (1, 2)]
    told = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(each) for each in told] == [type(None), NotPending]
    assert (await place.kept.end(run))["data"] == {"result": 1}


async def test_nobody_waits_for_these_answers(place: Place) -> None:
    """An unknown request, an unknown run, a run that has ended."""
    run, request = await _asked(place)
    for where, which in ((run, "other"), ("r_other", request)):
        with pytest.raises(NotPending):
            await place.runs.answer(where, which, 7)
    await place.runs.cancel(run, "enough")
    await place.kept.end(run)
    with pytest.raises(NotPending):
        await place.runs.answer(run, request, 7)


async def test_an_answer_that_the_store_refuses_was_not_given(place: Place) -> None:
    """The caller hears it and can answer again."""
    run, request = await _asked(place)
    place.kept.refuses = True
    with pytest.raises(StoreUnavailable):
        await place.runs.answer(run, request, 7)
    place.kept.refuses = False
    await place.runs.answer(run, request, 8)
    assert (await place.kept.end(run))["data"] == {"result": 8}

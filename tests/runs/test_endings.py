"""How a run may end: with its own outcome, or by any death there is."""

import signal
from pathlib import Path

import pytest

from tests.runs.conftest import Place, alive, until_gone


async def test_a_run_that_returns_is_complete(place: Place) -> None:
    """Its events come in order between its start and its result, each once."""
    run = await place.start("chatty", count=200)
    end = await place.kept.end(run)
    events = place.kept.of(run)
    assert end["data"] == {"result": 200}
    assert [event["type"] for event in events] == ["run_start", *["step"] * 200, "complete"]
    assert [event["data"]["i"] for event in events[1:-1]] == list(range(200))
    assert events[0]["data"] == {"workflow": "chatty", "input": {"count": 200}}
    assert place.kept.records[run].started is not None
    assert place.runs.get(run) is None


async def test_a_run_that_raises_is_its_own_error(place: Place) -> None:
    """An exception is the workflow's error, with its text."""
    end = await place.end_of("raises")
    assert end["type"] == "error"
    assert end["data"]["code"] == "workflow_error"
    assert "no such thing" in end["data"]["message"]


@pytest.mark.parametrize("code", [0, 1, 255])
async def test_an_exit_without_an_outcome_is_a_crash(place: Place, code: int) -> None:
    """Whatever code it gives, 0 too; its events are kept."""
    run = await place.start("exits_with", code=code)
    end = await place.kept.end(run)
    assert end["data"]["code"] == "workflow_crashed"
    assert end["data"]["detail"]["exit_code"] == code
    assert place.kept.types(run) == ["run_start", "step", "error"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
async def test_a_death_by_signal_names_it(place: Place, number: signal.Signals) -> None:
    """The event before is there, the signal is in the detail."""
    run = await place.start("dies_by", number=int(number))
    end = await place.kept.end(run)
    assert end["data"]["code"] == "workflow_crashed"
    assert end["data"]["detail"]["signal"] == number.name
    assert place.kept.types(run) == ["run_start", "step", "error"]


async def test_the_interpreters_own_last_words_are_kept(place: Place) -> None:
    """What is written while the process dies by SIGSEGV, and nobody in it can send any more."""
    end = await place.end_of("segfaults")
    assert end["data"]["detail"]["signal"] == "SIGSEGV"
    assert "Segmentation fault" in end["data"]["detail"]["stderr"]


async def test_a_lost_thread_ends_nothing(place: Place) -> None:
    """`sys.exit` in a thread is no outcome of the run."""
    assert (await place.end_of("exits_in_a_thread"))["data"] == {"result": "still here"}


@pytest.mark.parametrize("then", ["return", "exit"])
async def test_grandchildren_do_not_survive(place: Place, then: str) -> None:
    """What a run started in its group ends with it, however it ended."""
    run = await place.start("leaves_a_grandchild", then=then)
    await place.kept.end(run)
    pid = next(event for event in place.kept.of(run) if event["type"] == "grandchild")["data"][
        "pid"
    ]
    await until_gone(pid)
    assert not alive(pid)


async def test_a_run_leaves_no_pipe_behind(place: Place, tmp_path: Path) -> None:
    """The pipe for last words is gone with the run, the directory is private."""
    run = await place.started("waits")
    pipes = list((tmp_path / "data" / "runs").glob("*.stderr"))
    assert [pipe.name.partition(".")[0] for pipe in pipes] == [run]
    assert (tmp_path / "data" / "runs").stat().st_mode & 0o777 == 0o700
    assert pipes[0].stat().st_mode & 0o777 == 0o600
    await place.runs.cancel(run, "enough")
    await place.kept.end(run)
    await place.runs.stop("cancel", "end", 10)
    assert not list((tmp_path / "data" / "runs").glob("*.stderr"))

"""What an operator sees of runs: log lines under their exact names, and metrics."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from server import telemetry
from tests.runs.conftest import Place

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """All log lines of a test."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(0))
    with structlog.testing.capture_logs() as captured:
        yield captured
    structlog.configure(**before)


def _of(lines: Lines, event: str) -> Lines:
    return [line for line in lines if line["event"] == event]


async def test_a_run_is_told_from_its_acceptance_to_its_end(lines: Lines, place: Place) -> None:
    """One line for each station, with the fields and the level of the contract."""
    run = await place.start("chatty", count=2)
    await place.kept.end(run)
    pid = place.kept.records[run].pid
    bound = {"session": f"s_{run}", "run": run}
    launched, started, ended = (
        _of(lines, name)
        for name in (
            "Launching workflow task",
            "Multi-Agent Workflow Starting",
            "Workflow finished",
        )
    )
    assert launched == [
        {**bound, "event": "Launching workflow task", "log_level": "info", "workflow": "chatty"}
    ]
    assert started == [
        {
            **bound,
            "event": "Multi-Agent Workflow Starting",
            "log_level": "info",
            "workflow": "chatty",
            "pid": pid,
        }
    ]
    assert ended[0].pop("seconds") > 0
    assert ended == [
        {
            **bound,
            "event": "Workflow finished",
            "log_level": "info",
            "state": "complete",
            "events": 4,
        }
    ]
    emitted = _of(lines, "Attempting to emit event to session")
    assert [(line["n"], line["type"], line["log_level"]) for line in emitted] == [
        (1, "step", "debug"),
        (2, "step", "debug"),
    ]
    assert emitted[0].items() >= bound.items()


async def test_a_failure_is_a_warning(lines: Lines, place: Place) -> None:
    """A run that ends as `error` is told at the level that people look at."""
    await place.end_of("raises")
    (ended,) = _of(lines, "Workflow finished")
    assert (ended["log_level"], ended["state"]) == ("warning", "error")


async def test_runs_are_counted_by_state(place: Place) -> None:
    """While they are active in the gauge, afterwards in the counter."""

    def active(state: str) -> float:
        return float(telemetry.RUNS.labels(state)._value.get())

    def ended(state: str) -> float:
        return float(telemetry.RUNS_ENDED.labels(state)._value.get())

    before = active("running"), ended("cancelled")
    run = await place.started("waits")
    assert active("running") == before[0] + 1
    await place.runs.cancel(run, "enough")
    await place.kept.end(run)
    assert (active("running"), ended("cancelled")) == (before[0], before[1] + 1)
    assert (active("queued"), active("starting")) == (0, 0)

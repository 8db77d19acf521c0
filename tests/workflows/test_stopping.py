"""A cancel reaches the workflow, which decides how it ends."""

import pytest

from tests.workflows.conftest import Playhouse, Start

OUTCOMES = [
    ("waits", {}, {"outcome": "cancelled"}),
    ("catches_the_stop", {}, {"outcome": "complete", "result": "early"}),
    ("looks_for_the_stop", {}, {"outcome": "cancelled"}),
    ("looks_for_the_stop", {"value": "x"}, {"outcome": "complete", "result": "x"}),
]


@pytest.mark.parametrize(("child", "given", "outcome"), OUTCOMES)
def test_stop(start: Start, child: str, given: dict[str, str], outcome: dict[str, str]) -> None:
    """A stop that is let through cancels; a value that is returned all the same completes."""
    run = start(child, **given)
    run.hear_type("ready_to_stop")
    for _ in range(3):
        run.say(cancel="by a reader")
    line = run.outcome()
    assert {key: value for key, value in line.items() if key not in ("n", "t")} == outcome


@pytest.mark.parametrize("child", ["waits", "looks_for_the_stop"])
def test_stop_before_the_start(playhouse: Playhouse, child: str) -> None:
    """A run that was cancelled before its first step takes none."""
    run, _ = playhouse.begin(child)
    run.say(welcome={"ack": 0})
    run.say(cancel="never mind")
    run.say(start={"workflow": child, "input": {}})
    assert run.outcome()["outcome"] == "cancelled"
    assert run.events == []


def test_no_question_after_a_stop(start: Start) -> None:
    """A question that comes after a stop is not asked: it raises at once."""
    run = start("asks_after_the_stop")
    run.hear_type("ready_to_stop")
    run.say(cancel="enough")
    assert run.outcome()["outcome"] == "cancelled"
    assert [kind for kind, _ in run.events] == ["ready_to_stop"]


@pytest.mark.parametrize("child", ["asks", "asks_blocking", "asks_in_a_thread"])
def test_stop_wakes_a_question(start: Start, child: str) -> None:
    """A run that waits for an answer ends by a cancel."""
    run = start(child)
    run.hear_type("input_request")
    run.say(cancel="no answer")
    assert run.outcome()["outcome"] == "cancelled"


def test_stop_after_the_outcome_changes_nothing(start: Start) -> None:
    """A cancel that comes too late is ignored."""
    run = start("silent")
    line = run.hear()
    assert line is not None
    assert line["outcome"] == "complete"
    run.say(cancel="too late")
    run.say(ack=1)
    assert run.exit_code() == 0

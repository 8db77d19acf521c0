"""How a run ends, told by its own process."""

from typing import Any

import pytest

from tests.workflows.conftest import Start

HISTORIES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "nothing": ("silent", {}, {"outcome": "complete", "result": None}),
    "nothing, async": ("silent_async", {}, {"outcome": "complete", "result": None}),
    "a value": (
        "gives_back",
        {"value": {"a": [1, 2.5, "é", None]}},
        {"outcome": "complete", "result": {"a": [1, 2.5, "é", None]}},
    ),
    "typed inputs": ("adds", {"a": 40}, {"outcome": "complete", "result": 42}),
    "2.0 for an integer": ("adds", {"a": 2.0}, {"outcome": "complete", "result": 4}),
    "lost threads": ("exits_in_a_thread", {}, {"outcome": "complete", "result": "alive"}),
    "a forked copy that exits": ("forks_and_exits", {}, {"outcome": "complete", "result": 7}),
    "processes of its own": ("uses_multiprocess", {}, {"outcome": "complete", "result": 2}),
}

ERRORS: dict[str, tuple[str, dict[str, Any], str]] = {
    "an exception": ("raises", {}, "LookupError: boom"),
    "an exception, async": ("raises_async", {}, "LookupError: boom"),
    "an exit with 0": ("exits", {}, "SystemExit: 0"),
    "an exit, async": ("exits_async", {}, "SystemExit: 3"),
    "no words": ("raises_the_unprintable", {}, "(its text cannot be had)"),
    "a surrogate": ("raises_a_surrogate", {}, "LookupError: \\ud800"),
    "no JSON": ("returns_a_set", {}, "TypeError: result.items[1].x: set is not JSON"),
    "CancelledError by itself": ("cancels_itself", {}, "CancelledError"),
    "no decorator": ("not_a_workflow", {}, "is not a workflow"),
    "no such function": ("nowhere", {}, "AttributeError"),
    "no such module": ("tests.no_such:thing", {}, "ModuleNotFoundError"),
    "an unknown input": ("adds", {"a": 1, "c": 1}, "unknown field `c`"),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_completes(start: Start, history: str) -> None:
    """A workflow that returns completes with what it returned."""
    child, given, outcome = HISTORIES[history]
    line = start(child, **given).outcome()
    assert {key: line[key] for key in outcome} == outcome


@pytest.mark.parametrize("history", ERRORS)
def test_fails(start: Start, history: str) -> None:
    """Whatever else ends a workflow is a workflow_error that says what it was."""
    child, given, message = ERRORS[history]
    error = start(child, **given).outcome()["error"]
    assert error["code"] == "workflow_error"
    assert message in error["message"]


def test_traceback_begins_at_the_workflow(start: Start) -> None:
    """The traceback shows the workflow's code and not the machinery around it."""
    for child in ("raises", "raises_async"):
        trace = start(child).outcome()["error"]["detail"]["traceback"]
        assert "children.py" in trace
        assert "execution.py" not in trace
        assert trace.endswith("LookupError: boom\n")


def test_long_failure_is_cut(start: Start) -> None:
    """Message and traceback have 8 KiB each, whatever the exception said."""
    error = start("raises", text="é" * 500_000).outcome()["error"]
    assert 8000 < len(error["message"].encode()) <= 8192
    assert 8000 < len(error["detail"]["traceback"].encode()) <= 8192


def test_too_long_an_outcome(start: Start) -> None:
    """An outcome that does not fit in a line is limit_exceeded, and says how long it was."""
    error = start("returns_too_much").outcome()["error"]
    assert error["code"] == "limit_exceeded"
    assert "a line may have 1048576" in error["message"]


def test_traceback_of_a_thread_is_printed(start: Start) -> None:
    """An exception in a thread kills only the thread, and readers see its traceback."""
    run = start("exits_in_a_thread")
    run.outcome()
    assert "ZeroDivisionError: division by zero" in run.printed("stderr")


def test_outcome_waits_for_its_acknowledgement(start: Start) -> None:
    """The process lives until the server has said that the outcome is kept."""
    run = start("silent")
    line = run.hear()
    assert line is not None and line["outcome"] == "complete"
    assert run.process.is_alive()
    run.say(ack=1)
    assert run.exit_code() == 0


def test_refused_emits_do_not_end_the_run(start: Start) -> None:
    """What `emit` refuses raises at the call, takes no number, and the run goes on."""
    run = start("emits_what_it_may_not")
    told = run.outcome()["result"]
    assert [text.partition(":")[0] for text in told] == [
        *("ValueError", "ValueError", "TypeError", "ValueError", "TypeError")
    ]
    assert "data.items[1].x: NaN is not JSON" in told[2]
    assert run.events == [("step", {"last": True})]


def test_crash_leaves_last_words(start: Start) -> None:
    """A process that dies by a signal says so on stderr: in its log or in what is left of that."""
    run = start("crashes")
    assert run.died() == -11
    words = "\n".join(run.printed("stderr")) + run.last_words()
    assert "Segmentation fault" in words

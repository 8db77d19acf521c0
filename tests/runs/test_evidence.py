"""The verdict on a run's end, as a table."""

from typing import Any

import msgspec
import pytest

from server.runs.evidence import LAST_WORDS, Evidence, verdict
from server.runs.pipe import Failure, Outcome

COMPLETE = Outcome(3, "complete", b'{"a":1}')
FAILED = Outcome(3, "error", failure=Failure("workflow_error", "boom", {"where": "here"}))
CANCELLED = Outcome(3, "cancelled")

TABLE: list[tuple[str, dict[str, Any], str, str]] = [
    ("it completed", {"outcome": COMPLETE}, "complete", ""),
    ("it raised", {"outcome": FAILED}, "error", "workflow_error"),
    ("it cancelled itself", {"outcome": CANCELLED}, "cancelled", "itself"),
    ("cancelled and obeyed", {"cancel": "why", "outcome": CANCELLED}, "cancelled", "why"),
    ("cancelled and completed", {"cancel": "why", "outcome": COMPLETE}, "complete", ""),
    ("cancelled and raised", {"cancel": "why", "outcome": FAILED}, "error", "workflow_error"),
    ("cancelled and dead", {"cancel": "why", "exit_code": 1}, "cancelled", "why"),
    ("cancelled and deaf", {"cancel": "why", "killed": True}, "error", "workflow_unresponsive"),
    (
        "cancelled before its start",
        {"cancel": "why", "admitted": False, "killed": True},
        "cancelled",
        "why",
    ),
    ("killed, but it had said", {"killed": True, "outcome": COMPLETE}, "complete", ""),
    ("out of time", {"timed_out": True, "killed": True}, "error", "workflow_timeout"),
    ("out of time, obeyed", {"timed_out": True, "outcome": CANCELLED}, "error", "workflow_timeout"),
    ("out of time, raised", {"timed_out": True, "outcome": FAILED}, "error", "workflow_timeout"),
    ("out of time, completed", {"timed_out": True, "outcome": COMPLETE}, "complete", ""),
    ("over a limit, dead", {"limit": "L", "killed": True}, "error", "limit_exceeded"),
    ("over a limit, raised", {"limit": "L", "outcome": FAILED}, "error", "limit_exceeded"),
    ("over a limit, completed", {"limit": "L", "outcome": COMPLETE}, "complete", ""),
    ("over a limit, cancelled", {"limit": "L", "cancel": "why"}, "error", "limit_exceeded"),
    (
        "over a limit, obeyed a cancel",
        {"limit": "L", "cancel": "why", "outcome": CANCELLED},
        "cancelled",
        "why",
    ),
    (
        "over a limit, out of time",
        {"limit": "L", "timed_out": True, "killed": True},
        "error",
        "workflow_timeout",
    ),
    ("a breach", {"breach": "CR"}, "error", "protocol_error"),
    ("a breach in the grace", {"breach": "CR", "cancel": "why"}, "error", "protocol_error"),
    ("exit 0 without a word", {"exit_code": 0}, "error", "workflow_crashed"),
    ("no process", {"failure": "no memory", "admitted": False}, "error", "workflow_crashed"),
    ("no hello", {"killed": True, "admitted": False}, "error", "workflow_crashed"),
    ("nothing known", {}, "error", "workflow_crashed"),
    ("gone without a server", {"lost": True}, "error", "run_lost"),
    ("never came back", {"lost": True, "killed": True}, "error", "run_lost"),
    ("gone, cancelled", {"lost": True, "cancel": "why"}, "cancelled", "why"),
    (
        "never came back, cancelled",
        {"lost": True, "cancel": "why", "killed": True},
        "cancelled",
        "why",
    ),
    (
        "never came back, out of time",
        {"lost": True, "timed_out": True},
        "error",
        "workflow_timeout",
    ),
]


@pytest.mark.parametrize(
    ("seen", "type_", "says"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_verdict(seen: dict[str, Any], type_: str, says: str) -> None:
    """What was seen decides, in the order of the rules."""
    final = verdict(Evidence(**{"admitted": True, **seen}))
    data = msgspec.json.decode(final.data)
    assert final.type == type_
    assert says in (data.get("code") or data.get("reason") or "")
    assert final.error == (data if type_ == "error" else None)


def test_a_result_passes_as_it_is() -> None:
    """In the child's bytes, for the event and for the record."""
    final = verdict(Evidence(outcome=Outcome(1, "complete", b'{"a" : 1.0}')))
    assert final.data == b'{"result":{"a" : 1.0}}'
    assert msgspec.json.encode(final.result) == b'{"a" : 1.0}'


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        (-11, {"signal": "SIGSEGV"}),
        (-9, {"signal": "SIGKILL"}),
        (-63, {"signal": "signal 63"}),
        (3, {"exit_code": 3}),
        (None, {}),
    ],
)
def test_a_crash_tells_what_is_known(code: int | None, detail: dict[str, Any]) -> None:
    """The signal's name or the exit code, and always the last of stderr."""
    final = verdict(Evidence(admitted=True, exit_code=code, words=b"oh \xff"))
    assert final.error is not None
    assert final.error["detail"] == {**detail, "stderr": "oh \N{REPLACEMENT CHARACTER}"}


def test_last_words_are_bounded() -> None:
    """The end is kept, not the beginning."""
    seen = Evidence()
    for n in range(10_000):
        seen.heard(b"line %d\n" % n)
    assert len(seen.words) == LAST_WORDS
    assert seen.words.endswith(b"line 9999\n")

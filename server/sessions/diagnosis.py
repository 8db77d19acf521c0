"""Why a subscriber may be seeing nothing: what an operator would ask, in order. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from server.records import Head, RunRecord

#: Seconds without a send, though there is something to send, that make a reader suspicious.
STUCK_SECONDS = 5.0


class Reader(msgspec.Struct):
    """A connected subscriber."""

    transport: str
    phase: str
    cursor: str
    lag: int  # events in the log that it was not sent
    seconds_since_send: float
    sent: int

    @property
    def stuck(self) -> bool:
        """Whether it has something to take and does not take it."""
        return self.lag > 0 and self.seconds_since_send > STUCK_SECONDS


class Snapshot(NamedTuple):
    """All that the questions are answered from."""

    session: str
    head: Head | None
    run: RunRecord | None
    newest: bytes | None  # the last event's line
    readers: Sequence[Reader]
    troubles: Sequence[str]  # what befell its readers lately


class Question(NamedTuple):
    """One question; ``trouble`` is the verdict where the answer is no."""

    question: str
    ok: bool
    evidence: dict[str, Any]
    trouble: str


def diagnose(snapshot: Snapshot) -> dict[str, Any]:
    """The contract's ``{"questions": […], "verdict": …}``."""
    asked = [question(snapshot) for question in QUESTIONS]
    verdict = next((q.trouble for q in asked if not q.ok), _all_is_well(snapshot))
    shown = [{"question": q.question, "ok": q.ok, "evidence": q.evidence} for q in asked]
    return {"questions": shown, "verdict": verdict}


def _starting(at: Snapshot) -> Question:
    run = at.run
    evidence: dict[str, Any] = {"run": None}
    trouble = "no run was started in this session: POST /api/sessions/{session}/runs starts one"
    if run is not None:
        evidence = {
            "run": run.id,
            "workflow": run.workflow,
            "state": run.state,
            "pid": run.pid or None,
            "created": run.created,
            "started": run.started,
        }
        trouble = {
            "queued": f"run {run.id} waits for a place (MAX_RUNS are running)",
            "starting": f"run {run.id} is starting: its process has not said hello",
        }.get(run.state, "")
    ok = run is not None and run.state not in ("queued", "starting")
    return Question("Is the workflow starting?", ok, evidence, trouble)


def _exists(at: Snapshot) -> Question:
    evidence: dict[str, Any] = {"session": at.session}
    if at.head is not None:
        record = at.head.record
        evidence |= {"epoch": record.epoch, "state": at.head.state, "created": record.created}
    trouble = f"nobody has asked for session {at.session}: is its id right?"
    return Question("Does the session exist?", at.head is not None, evidence, trouble)


def _emitted(at: Snapshot) -> Question:
    newest = msgspec.json.decode(at.newest) if at.newest else None
    facts = ("offset", "time", "type", "agent")
    evidence = {key: newest[key] for key in facts if key in newest} if newest else {}
    only_start = newest is not None and newest["type"] == "run_start"
    trouble = "the workflow has emitted nothing yet" if only_start else "no event was ever emitted"
    ok = newest is not None and not only_start
    return Question("Are events emitted?", ok, {"newest": evidence or None}, trouble)


def _in_the_log(at: Snapshot) -> Question:
    first, last = (at.head.first, at.head.last) if at.head else (1, 0)
    evidence = {"first": first, "last": last}
    return Question("Are they in the log?", last > 0, evidence, "the session's log is empty")


def _consuming(at: Snapshot) -> Question:
    stuck = [reader for reader in at.readers if reader.stuck]
    trouble = "nobody is connected to this session"
    if stuck:
        worst = max(stuck, key=lambda reader: reader.lag)
        trouble = (
            f"{len(stuck)} of {len(at.readers)} subscribers take nothing: the worst is"
            f" {worst.lag} events behind at {worst.cursor}"
        )
    evidence = {"subscribers": [msgspec.structs.asdict(reader) for reader in at.readers]}
    over = at.head is not None and at.head.state == "closed"
    ok = not stuck and (bool(at.readers) or over)
    return Question("Are subscribers consuming?", ok, evidence, trouble)


def _in_the_way(at: Snapshot) -> Question:
    found = list(at.troubles)
    if at.run is not None and at.run.error is not None:
        error = at.run.error
        found.insert(0, f"run {at.run.id} ended with {error['code']}: {error['message']}")
    trouble = found[0] if found else ""
    return Question("Is anything in the way?", not found, {"found": found}, trouble)


def _all_is_well(at: Snapshot) -> str:
    last = at.head.last if at.head else 0
    if at.readers:
        return f"all is well: {len(at.readers)} subscribers follow a log of {last} events"
    return f"all is well: the session is closed, its {last} events are there for whoever asks"


QUESTIONS = (_starting, _exists, _emitted, _in_the_log, _consuming, _in_the_way)

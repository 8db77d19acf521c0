"""What is known of a run's end, and what follows from it. Pure.

The verdict, first match wins:

1. what broke the pipe's rules is ``protocol_error``, whatever else is known;
2. a run that completed is ``complete``, even while it was being stopped;
3. one that ran out of time is ``workflow_timeout``;
4. one that ran into a limit and then failed, or died without a word, is ``limit_exceeded``;
5. otherwise the child's own word counts: ``error`` or ``cancelled``;
6. without a word: killed after the grace of a cancel it is ``workflow_unresponsive``, dead in that
   grace, never started because of the cancel, or out of reach all the time, it is ``cancelled``;
7. whose process was not heard of again after its server had died is ``run_lost``;
8. and else ``workflow_crashed``: an exit code is evidence, not the verdict, and 0 is no excuse.
"""

import signal
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec

from server.runs.pipe import Outcome

LAST_WORDS = 8192  # bytes of stderr that a crash report holds


@dataclass(slots=True)
class Evidence:
    """What was seen of one run, by whoever saw it."""

    cancel: str | None = None  # the reason of the request that was accepted
    timed_out: bool = False
    seconds: float = 0  # that it was allowed
    outcome: Outcome | None = None
    breach: str | None = None
    limit: str | None = None  # that it ran into, in words
    admitted: bool = False  # user code may have run
    lost: bool = False  # an earlier server started it, and it has not come to this one
    killed: bool = False  # by us, because it did not end in time
    failure: str | None = None  # why there never was a process
    exit_code: int | None = None  # negative: the signal
    words: bytes = b""  # the last of its stderr

    def heard(self, text: bytes) -> None:
        """Keep the end of what was written to stderr."""
        self.words = (self.words + text)[-LAST_WORDS:]


class Verdict(NamedTuple):
    """The terminal event's type, its data as JSON, and what the run's record keeps."""

    type: Literal["complete", "error", "cancelled"]
    data: bytes
    result: msgspec.Raw | None = None
    error: dict[str, Any] | None = None


def verdict(seen: Evidence) -> Verdict:  # noqa: PLR0911 (one for each rule)
    """Judge; defined for all evidence, the rules are above."""
    outcome = seen.outcome
    if seen.breach is not None:
        return _error("protocol_error", f"the run broke the pipe's rules: {seen.breach}")
    if outcome is not None and outcome.kind == "complete":
        return _complete(outcome.result)
    if seen.timed_out:
        message = f"the run was stopped after the {seen.seconds:g} s that it may take"
        return _error("workflow_timeout", message)
    if seen.limit is not None and (outcome is None or outcome.failure is not None):
        return _limited(seen, seen.limit)
    if outcome is not None and outcome.failure is not None:
        said = outcome.failure
        return _error(said.code, said.message, said.detail)
    if outcome is not None:
        return _cancelled(seen.cancel or "the workflow cancelled itself")
    if seen.cancel is None:
        return _lost(seen) if seen.lost else _crashed(seen)
    if seen.killed and seen.admitted and not seen.lost:
        message = f"the run did not end when it was told to ({seen.cancel}) and was killed"
        return _error("workflow_unresponsive", message)
    return _cancelled(seen.cancel)


def _complete(result: bytes) -> Verdict:
    return Verdict("complete", b'{"result":%b}' % result, result=msgspec.Raw(result))


def _cancelled(reason: str) -> Verdict:
    return Verdict("cancelled", msgspec.json.encode({"reason": reason}))


def _error(code: str, message: str, detail: dict[str, Any] | None = None) -> Verdict:
    error: dict[str, Any] = {"code": code, "message": message}
    if detail is not None:
        error["detail"] = detail
    return Verdict("error", msgspec.json.encode(error), error=error)


def _lost(seen: Evidence) -> Verdict:
    how = (
        "lived on without its server, did not come to the next one in time, and was killed"
        if seen.killed
        else "went away while no server was there to see it"
    )
    message = f"the run's process {how}: the events up to here are whole, the run can be repeated"
    return _error("run_lost", message)


def _limited(seen: Evidence, limit: str) -> Verdict:
    said = seen.outcome.failure if seen.outcome is not None else None
    if said is None:
        return _error("limit_exceeded", f"{limit}, and was ended", _remains(seen))
    return _error("limit_exceeded", f"{limit}, and ended by {said.message}", said.detail)


def _crashed(seen: Evidence) -> Verdict:
    detail = _remains(seen)
    return _error("workflow_crashed", _how(seen, detail), detail)


def _remains(seen: Evidence) -> dict[str, Any]:
    """What a death without a word leaves to be told."""
    detail: dict[str, Any] = {}
    if seen.exit_code is not None and seen.exit_code < 0:
        detail["signal"] = signal_name(-seen.exit_code)
    elif seen.exit_code is not None:
        detail["exit_code"] = seen.exit_code
    # A cut may have gone through a character, and a workflow may write any bytes.
    detail["stderr"] = seen.words.decode(errors="replace")
    return detail


def _how(seen: Evidence, detail: dict[str, Any]) -> str:
    if seen.failure is not None:
        return f"the run's process could not be started: {seen.failure}"
    if seen.killed and not seen.admitted:
        return "the run's process was started but did not connect in time, and was killed"
    if seen.killed:
        return "the run's process closed its pipe, did not end by itself, and was killed"
    if "signal" in detail:
        return f"the run's process was ended by {detail['signal']} before it had said how it ended"
    if "exit_code" in detail:
        code = detail["exit_code"]
        return f"the run's process exited with code {code} before it had said how it ended"
    return "the run's process ended before it had said how it ended"


def signal_name(number: int) -> str:
    """``SIGSEGV`` for 11; a number that has no name here stays one."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

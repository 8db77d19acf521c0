"""One run's part in the metrics, and what the log says at its end."""

from datetime import UTC, datetime

from structlog.typing import FilteringBoundLogger

from server import telemetry
from server.records import RunRecord
from server.runs.commits import Commits
from server.runs.life import State

#: What operators are told; a state that is not here keeps the word of the one before.
WORDS = {
    State.QUEUED: "queued",
    State.STARTING: "starting",
    State.RUNNING: "running",
    State.AWAITED: "running",
    State.ENDED: "",
}


class Tally:
    """Counts one run, under one word at a time."""

    def __init__(self, record: RunRecord) -> None:
        self._created = datetime.fromisoformat(record.created)
        self._word = ""

    def count(self, state: State) -> None:
        """The run is in this state now."""
        word = WORDS.get(state, self._word)
        if word != self._word:
            if self._word:
                telemetry.RUNS.labels(self._word).dec()
            if word:
                telemetry.RUNS.labels(word).inc()
            self._word = word

    def ended(self, log: FilteringBoundLogger, commits: Commits) -> None:
        """Its terminal event is committed."""
        state = commits.record.state
        telemetry.RUNS_ENDED.labels(state).inc()
        tell = log.warning if state == "error" else log.info
        # By the wall clock: its beginning may have been another server's, or another boot's.
        seconds = (datetime.now(UTC) - self._created).total_seconds()
        tell("Workflow finished", state=state, events=commits.events, seconds=round(seconds, 3))

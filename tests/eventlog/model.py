"""The event log as one would write it if nothing could go wrong: what the real ones are held to."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.eventlog.tail import Status
from server.events import Draft, Event
from server.records import Head, RunRecord, SessionRecord


@dataclass
class Log:
    """One session."""

    record: SessionRecord
    order: int
    events: list[Event] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    runs: dict[str, RunRecord] = field(default_factory=dict)
    status: Status = field(default_factory=Status)

    def is_new(self, draft: Draft, producer: str) -> bool:
        """Count ``draft`` unless it is a repeat."""
        if not producer or draft.n == 0:
            return True
        new = draft.n > self.numbers.get(producer, 0)
        self.numbers[producer] = max(draft.n, self.numbers.get(producer, 0))
        return new

    def head(self) -> Head:
        """Say where it stands; ``order`` is left to the order of the list."""
        state, run, _ = self.status
        return Head(record=self.record, last=len(self.events), state=state, run=run)


@dataclass
class Model:
    """All sessions, in the order of their creation."""

    logs: dict[str, Log] = field(default_factory=dict)
    made: int = 0

    def append(
        self,
        session: SessionRecord,
        drafts: Sequence[Draft],
        producer: str,
        record: RunRecord | None,
    ) -> list[Event]:
        """Return the events that are new."""
        log = self.logs.get(session.id)
        if log is None:
            self.made += 1
            log = self.logs[session.id] = Log(session, self.made)
        if record is not None:
            log.runs[record.id] = record
            log.status = log.status.after(record)
        begin = len(log.events)
        for draft in drafts:
            if log.is_new(draft, producer):
                log.events.append(draft.at(len(log.events) + 1))
        return log.events[begin:]

    def expired(self, ended_before: str) -> dict[str, str]:
        """Return which are over, and since when."""
        return {
            name: log.status.ended or ""
            for name, log in self.logs.items()
            if log.status.state == "closed" and (log.status.ended or "") < ended_before
        }

    def heads(self) -> list[Head]:
        """Return the list of sessions, newest first."""
        logs = sorted(self.logs.values(), key=lambda log: log.order, reverse=True)
        return [log.head() for log in logs]

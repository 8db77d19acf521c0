"""Appends that become durable together: numbered here, visible only once they are applied. Pure.

A group is built beside the tails that it will change and does not touch them. When its commit
fails it is dropped, and with it every offset and number that it gave out.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog

from server.eventlog.tail import Tail
from server.events import Draft, Event
from server.records import RunRecord, SessionRecord, Then

log = structlog.get_logger()


class Append(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One call of ``submit``, waiting for its group. Only the caller's ``then`` points anywhere."""

    session: SessionRecord
    drafts: Sequence[Draft]
    producer: str
    record: RunRecord | None
    encoded: str  # the record as JSON
    size: int  # bytes of the drafts
    then: Then

    @classmethod
    def of(
        cls,
        session: SessionRecord,
        drafts: Sequence[Draft],
        producer: str,
        record: RunRecord | None,
        then: Then,
    ) -> "Append":
        """Check and encode at the call, where an error reaches the one who made it.

        Raises ValueError for a draft with a line end in it, TypeError for a record that is not
        JSON.
        """
        size = 0
        for draft in drafts:
            if b"\n" in draft.tail:
                raise ValueError(f"an event is one line: {draft.tail[:80]!r}")
            size += len(draft.tail)
        encoded = msgspec.json.encode(record).decode() if record is not None else ""
        return cls(session, drafts, producer, record, encoded, size, then)

    def tell(self, events: Sequence[Event], error: Exception | None = None) -> None:
        """Say how it went; a bug of who hears it must not stop the writer."""
        try:
            self.then(events, error)
        except Exception:
            log.exception("Nobody could hear of an append", session=self.session.id)


def waited(submit: Callable[[Then], None]) -> asyncio.Future[Sequence[Event]]:
    """Submit for somebody who waits; who waits no more is told nothing."""
    done: asyncio.Future[Sequence[Event]] = asyncio.get_running_loop().create_future()

    def then(events: Sequence[Event], error: Exception | None) -> None:
        if not done.done():
            done.set_exception(error) if error is not None else done.set_result(events)

    submit(then)
    return done


class Entry(NamedTuple):
    """What a group keeps of one append: ``n`` is its producer's highest number so far."""

    session: int  # the key of its tail
    producer: str
    n: int
    events: list[Event]


class Stage:
    """Where one session will stand when its group is durable."""

    __slots__ = ("last", "status", "tail")

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.last = tail.last
        self.status = tail.status


class Group:
    """Appends of any sessions, in call order for each."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self.answers: list[tuple[Append, Entry, Stage]] = []
        self.runs: dict[str, tuple[int, RunRecord, str]] = {}  # with session's key, as JSON
        self.count = 0  # of new events
        self._numbers: dict[tuple[int, str], int] = {}

    def add(self, append: Append, tail: Tail) -> None:
        """Number what is new in ``append``; ``tail`` is its session's, the same for all of it."""
        stage = self.stages.get(append.session.id)
        if stage is None:
            stage = self.stages[append.session.id] = Stage(tail)
        if (record := append.record) is not None:
            self.runs[record.id] = tail.key, record, append.encoded
            stage.status = stage.status.after(record)
        drafts, producer, n = append.drafts, append.producer, 0
        if producer:
            drafts, n = self._new(drafts, producer, tail)
        events = [draft.at(offset) for offset, draft in enumerate(drafts, stage.last + 1)]
        stage.last += len(events)
        self.count += len(events)
        self.answers.append((append, Entry(tail.key, producer, n, events), stage))

    def _new(self, drafts: Sequence[Draft], producer: str, tail: Tail) -> tuple[list[Draft], int]:
        """The drafts whose ``n`` did not come before, and the highest ``n`` after them."""
        known = tail.key, producer
        highest = self._numbers.get(known)
        if highest is None:
            highest = tail.numbers.get(producer, 0)
        new = []
        for draft in drafts:
            if draft.n == 0:
                new.append(draft)
            elif draft.n > highest:
                new.append(draft)
                highest = draft.n
        self._numbers[known] = highest
        return new, highest

    def apply(self, tails: dict[str, Tail]) -> None:
        """Make it readable in ``tails``: the commit is done."""
        for session, stage in self.stages.items():
            stage.tail.status = stage.status
            tails[session] = stage.tail
        for _, (_, producer, n, events), stage in self.answers:
            tail = stage.tail
            tail.events += events
            if producer:
                tail.numbers[producer] = n

    def answer(self) -> None:
        """Tell the callers which of their drafts were new."""
        for append, entry, _ in self.answers:
            append.tell(entry.events)

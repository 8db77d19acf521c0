"""Appends that become durable together: numbered here, visible only once they are applied. Pure.

A group is built beside the tails that it will change and does not touch them. When its commit
fails it is dropped, and with it every offset and number that it gave out.
"""

import asyncio
from collections.abc import Callable, Sequence

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


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What a group keeps of one append: ``n`` is its producer's highest number so far."""

    session: int  # the key of its tail
    producer: str
    n: int
    events: list[Event]


class Stage:
    """Where one session will stand when its group is durable."""

    __slots__ = ("last", "numbers", "status", "tail")

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.last = tail.last
        self.status = tail.status
        self.numbers: dict[str, int] = {}  # the highest of each producer, as far as it goes on

    def take(self, append: Append) -> Entry:
        """Number those of its drafts whose ``n`` did not come before."""
        producer, last, events = append.producer, self.last, []
        highest = self.numbers.get(producer)
        if highest is None:
            highest = self.tail.numbers.get(producer, 0)
        for draft in append.drafts:
            if draft.n and producer:
                if draft.n <= highest:
                    continue
                highest = draft.n
            last += 1
            events.append(draft.at(last))
        if producer:
            self.numbers[producer] = highest
        self.last = last
        return Entry(self.tail.key, producer, highest, events)


class Group:
    """Appends of any sessions, in call order for each."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self.answers: list[tuple[Append, Entry]] = []
        self.runs: dict[str, tuple[int, RunRecord, str]] = {}  # with session's key, as JSON
        self.count = 0  # of new events

    def add(self, append: Append, tail: Tail) -> None:
        """Number what is new in ``append``; ``tail`` is its session's, the same for all of it."""
        stage = self.stages.get(append.session.id)
        if stage is None:
            stage = self.stages[append.session.id] = Stage(tail)
        if (record := append.record) is not None:
            self.runs[record.id] = tail.key, record, append.encoded
            stage.status = stage.status.after(record)
        entry = stage.take(append)
        self.count += len(entry.events)
        self.answers.append((append, entry))

    def apply(self, tails: dict[str, Tail]) -> None:
        """Make it readable in ``tails``: the commit is done."""
        for append, entry in self.answers:
            self.stages[append.session.id].tail.events += entry.events
        for session, stage in self.stages.items():
            tail = tails[session] = stage.tail
            tail.status = stage.status
            tail.numbers.update(stage.numbers)

    def answer(self) -> None:
        """Tell the callers which of their drafts were new."""
        for append, entry in self.answers:
            append.tell(entry.events)

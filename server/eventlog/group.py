"""Appends that become durable together: numbered here, visible only once they are applied. Pure.

A group is built beside the tails that it will change and does not touch them. When its commit
fails it is dropped, and with it every offset and number that it gave out.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from server.eventlog.tail import Tail
from server.events import Draft, Event
from server.records import RunRecord, SessionRecord


class Append(NamedTuple):
    """One call of ``append``, waiting for its group."""

    session: SessionRecord
    drafts: Sequence[Draft]
    producer: str
    record: RunRecord | None
    encoded: str  # the record as JSON
    size: int  # bytes of the drafts
    done: asyncio.Future[Sequence[Event]]

    @classmethod
    def of(
        cls,
        session: SessionRecord,
        drafts: Sequence[Draft],
        producer: str,
        record: RunRecord | None,
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
        done = asyncio.get_running_loop().create_future()
        return cls(session, drafts, producer, record, encoded, size, done)


class Entry(NamedTuple):
    """What a group keeps of one append: ``n`` is its producer's highest number so far."""

    session: int  # the key of its tail
    producer: str
    n: int
    events: list[Event]


class Stage:
    """One session's part of a group."""

    __slots__ = ("entries", "last", "numbers", "records", "status", "tail")

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.last = tail.last
        self.status = tail.status
        self.numbers: dict[str, int] = {}
        self.records: dict[str, tuple[RunRecord, str]] = {}
        self.entries: list[Entry] = []

    def add(self, append: Append) -> Entry:
        """Number what is new in ``append``."""
        if append.record is not None:
            self.records[append.record.id] = append.record, append.encoded
            self.status = self.status.after(append.record)
        drafts, n = self._new(append)
        events = [draft.at(offset) for offset, draft in enumerate(drafts, self.last + 1)]
        self.last += len(events)
        entry = Entry(self.tail.key, append.producer, n, events)
        self.entries.append(entry)
        return entry

    def _new(self, append: Append) -> tuple[Sequence[Draft], int]:
        """The drafts whose ``n`` did not come before, and the highest ``n`` after them."""
        producer = append.producer
        if not producer:
            return append.drafts, 0
        highest = self.numbers.get(producer)
        if highest is None:
            highest = self.tail.numbers.get(producer, 0)
        new = []
        for draft in append.drafts:
            if draft.n == 0:
                new.append(draft)
            elif draft.n > highest:
                new.append(draft)
                highest = draft.n
        self.numbers[producer] = highest
        return new, highest

    def apply(self) -> None:
        """Show in the tail what is durable now."""
        tail = self.tail
        for entry in self.entries:
            tail.events += entry.events
        tail.numbers.update(self.numbers)
        tail.status = self.status


class Group:
    """Appends of any sessions, in call order for each."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self.answers: list[tuple[Append, Entry]] = []

    def add(self, append: Append, tail: Tail) -> None:
        """Take ``append``; ``tail`` is its session's, and the same for all appends of it."""
        stage = self.stages.get(append.session.id)
        if stage is None:
            stage = self.stages[append.session.id] = Stage(tail)
        self.answers.append((append, stage.add(append)))

    @property
    def count(self) -> int:
        """How many events are new."""
        return sum(len(entry.events) for _, entry in self.answers)

    def apply(self) -> None:
        """Make the events readable: the commit is done."""
        for stage in self.stages.values():
            stage.apply()

    def answer(self) -> None:
        """Tell the callers of ``append`` which of their drafts were new."""
        for append, entry in self.answers:
            if not append.done.done():
                append.done.set_result(entry.events)

"""The event log in memory: for tests and for trying things out. Everything ends with the process.

What is durable here is what this process holds, so a group is what was submitted in one turn of the
loop, and the bound on memory that the contract sets is the only promise not kept.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from itertools import count

from server import telemetry
from server.eventlog import Health, feeds
from server.eventlog.group import Append, Group, waited
from server.eventlog.tail import Tail, heads
from server.eventlog.watchers import Watchers
from server.events import Draft, Event
from server.records import Head, RunRecord, SessionRecord, Then


@asynccontextmanager
async def open() -> "AsyncIterator[MemoryLog]":  # noqa: A001 - it reads as memory.open()
    """Open an empty event log."""
    yield MemoryLog()


class MemoryLog:
    """See :class:`server.eventlog.EventLog`."""

    def __init__(self) -> None:
        self._tails: dict[str, Tail] = {}
        self._runs: dict[str, tuple[int, RunRecord]] = {}  # with their session's key, oldest first
        self._keys = count(1)
        self._waiting: list[Append] = []
        self._watchers = Watchers()

    def health(self) -> Health:
        """See :meth:`server.eventlog.EventLog.health`."""
        return Health()

    # -- writing

    def append(
        self,
        session: SessionRecord,
        drafts: Sequence[Draft],
        *,
        producer: str = "",
        record: RunRecord | None = None,
    ) -> asyncio.Future[Sequence[Event]]:
        """See :meth:`server.eventlog.EventLog.append`."""
        return waited(partial(self.submit, session, drafts, producer=producer, record=record))

    def submit(
        self,
        session: SessionRecord,
        drafts: Sequence[Draft],
        then: Then,
        *,
        producer: str = "",
        record: RunRecord | None = None,
    ) -> None:
        """See :meth:`server.eventlog.EventLog.submit`."""
        self._waiting.append(Append.of(session, drafts, producer, record, then))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._commit)

    def _commit(self) -> None:
        group, new = Group(), dict[str, Tail]()
        for append in self._waiting:
            session = append.session
            tail = self._tails.get(session.id) or new.get(session.id)
            group.add(append, tail or new.setdefault(session.id, Tail(next(self._keys), session)))
        self._waiting.clear()
        group.apply(self._tails)
        self._runs |= {run: (key, record) for run, (key, record, _) in group.runs.items()}
        telemetry.EVENTS_APPENDED.inc(group.count)
        group.answer()
        self._watchers.wake(group.stages)

    def feed(self, descriptor: int, turn: Callable[[], None]) -> AbstractContextManager[None]:
        """See :meth:`server.eventlog.EventLog.feed`; here a group is always due."""
        return feeds.always(descriptor, turn)

    async def create(self, session: SessionRecord) -> Head:
        """See :meth:`server.eventlog.EventLog.create`."""
        await self.append(session, [])
        return self._tails[session.id].head()

    async def delete(self, session: str) -> bool:
        """See :meth:`server.eventlog.EventLog.delete`."""
        self._commit()
        tail = self._tails.pop(session, None)
        if tail is None:
            return False
        self._runs = {run: kept for run, kept in self._runs.items() if kept[0] != tail.key}
        self._watchers.wake([session])
        return True

    async def expired(self, ended_before: str, limit: int = 100) -> list[str]:
        """See :meth:`server.eventlog.EventLog.expired`."""
        closed = [
            (tail.status.ended, session)
            for session, tail in self._tails.items()
            if tail.status.state == "closed" and (tail.status.ended or "") < ended_before
        ]
        return [session for _, session in sorted(closed)[:limit]]

    # -- reading

    async def head(self, session: str) -> Head | None:
        """See :meth:`server.eventlog.EventLog.head`."""
        tail = self._tails.get(session)
        return tail.head() if tail else None

    async def read(self, session: str, after: int, limit: int = 1000) -> Sequence[Event]:
        """See :meth:`server.eventlog.EventLog.read`."""
        tail = self._tails.get(session)
        return tail.page(after, limit) if tail else []

    def recent(self, session: str, after: int) -> Sequence[Event] | None:
        """See :meth:`server.eventlog.EventLog.recent`."""
        tail = self._tails.get(session)
        return tail.after(after) if tail else None

    def watch(self, session: str, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """See :meth:`server.eventlog.EventLog.watch`."""
        return self._watchers.watch(session, wake)

    # -- what is kept beside the events

    async def sessions(
        self, *, limit: int, before: int | None = None, state: str | None = None
    ) -> list[Head]:
        """See :meth:`server.eventlog.EventLog.sessions`."""
        return heads(self._tails.values(), limit, before, state)

    async def last_number(self, session: str, producer: str) -> int:
        """See :meth:`server.eventlog.EventLog.last_number`."""
        tail = self._tails.get(session)
        return tail.numbers.get(producer, 0) if tail else 0

    async def run(self, run: str) -> RunRecord | None:
        """See :meth:`server.eventlog.EventLog.run`."""
        kept = self._runs.get(run)
        return kept[1] if kept else None

    async def runs(self, session: str) -> list[RunRecord]:
        """See :meth:`server.eventlog.EventLog.runs`."""
        tail = self._tails.get(session)
        return [record for key, record in self._runs.values() if tail and key == tail.key]

    async def active_runs(self) -> list[RunRecord]:
        """See :meth:`server.eventlog.EventLog.active_runs`."""
        return [record for _, record in self._runs.values() if record.active]

    async def run_by_key(self, idempotency_key: str, created_after: str) -> RunRecord | None:
        """See :meth:`server.eventlog.EventLog.run_by_key`."""
        found = [
            record
            for _, record in self._runs.values()
            if record.idempotency_key == idempotency_key and record.created > created_after
        ]
        return max(found, key=lambda record: record.created, default=None)

"""The event log in one SQLite file: for one server, safe against kill -9 and loss of power.

Three connections, each in a thread of its own: one writes (:mod:`~server.eventlog.commits`), one
reads pages, one copies the write-ahead log into the database (:mod:`~server.eventlog.checkpoint`).
What is in memory is answered from there and never touches the disk.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from server.errors import StoreDamaged, StoreRefused
from server.eventlog import Health, rows, schema, wal
from server.eventlog.ballast import BALLAST_BYTES, Ballast
from server.eventlog.checkpoint import WAL_PAGES, Checkpoints, lay_out
from server.eventlog.commits import CALM_SECONDS, Commits
from server.eventlog.damage import Damage
from server.eventlog.duress import Duress, Signal
from server.eventlog.group import Append, waited
from server.eventlog.mending import Mending
from server.eventlog.packing import JOURNAL_BYTES, Packing
from server.eventlog.recovery import Recovered, recover
from server.eventlog.segments import damaged
from server.eventlog.threads import ConnectionThread, connected
from server.eventlog.waiting import Removal
from server.eventlog.watchers import Watchers
from server.events import Draft, Event
from server.lockfile import locked
from server.records import Head, RunRecord, SessionRecord, Then

T = TypeVar("T")


@asynccontextmanager
async def open(  # noqa: A001 - it reads as sqlite.open()
    path: Path,
    *,
    new_epoch: bool = False,
    journal_bytes: int = JOURNAL_BYTES,
    wal_pages: int = WAL_PAGES,
    calm_seconds: float = CALM_SECONDS,
    ballast_bytes: int = BALLAST_BYTES,
) -> "AsyncIterator[SqliteLog]":
    """Open the log in the file ``path``, made if it is missing; its folder too.

    ``new_epoch`` gives every session a new epoch. Raises :class:`StoreRefused` if another server
    has it open, if it is of another format, or damaged.
    """
    damage, duress = Damage(), Duress()
    with locked(path, StoreRefused):
        ballast = Ballast(path.with_name(path.name + ".ballast"), ballast_bytes)
        ballast.make_way()
        left = wal.commits(path)
        async with (
            connected("writer", path, partial(schema.prepare, path)) as writer,
            connected("copier", path, partial(schema.connect, path)) as copier,
            connected("reader", path, partial(schema.connect, path, readonly=True)) as reader,
        ):
            found = await _recovered(writer, left, damage, new_epoch=new_epoch)
            await writer.start(lay_out, wal_pages)
            if not ballast.take():
                duress.signal(Signal.NO_ROOM, f"the disk of {path} is full: free some space")
            watchers = Watchers()
            packing = Packing(found.backlog, journal_bytes)
            mending = Mending(writer, partial(schema.connect, path), ballast, duress, damage)
            checkpoints = Checkpoints(copier, wal_pages)
            commits = Commits(
                writer,
                checkpoints,
                packing,
                found,
                watchers=watchers,
                mending=mending,
                calm_seconds=calm_seconds,
            )
            try:
                yield SqliteLog(commits, reader, watchers, duress, damage)
            finally:
                await commits.close()


async def _recovered(
    writer: ConnectionThread, left: list[int], damage: Damage, *, new_epoch: bool
) -> Recovered:
    """Take up what an earlier life left: ``left`` are the commits in its write-ahead log."""
    try:
        left_out = await writer.start(wal.settle, left)
        if lost := left_out > 1:  # a single one may be torn: nobody was told of it
            damage.note(wal.damaged(left_out))
        return await writer.start(recover, damage.note, new_epoch=new_epoch or lost)
    except StoreDamaged as error:
        raise StoreRefused(error.message) from error


class SqliteLog:
    """See :class:`server.eventlog.EventLog`."""

    def __init__(
        self,
        commits: Commits,
        reader: ConnectionThread,
        watchers: Watchers,
        duress: Duress,
        damage: Damage,
    ) -> None:
        self._commits = commits
        self._reader = reader
        self._watchers = watchers
        self._duress = duress
        self._damage = damage

    def health(self) -> Health:
        """See :meth:`server.eventlog.EventLog.health`."""
        reasons = [] if self._duress.healthy else [self._duress.reason]
        return Health(self._duress.condition.value, reasons, list(self._damage))

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
        append = Append.of(session, drafts, producer, record, then)
        self._commits.submit(append)

    def feed(self, descriptor: int, turn: Callable[[], None]) -> AbstractContextManager[None]:
        """See :meth:`server.eventlog.EventLog.feed`."""
        return self._commits.feed(descriptor, turn)

    async def create(self, session: SessionRecord) -> Head:
        """See :meth:`server.eventlog.EventLog.create`."""
        while True:
            await self.append(session, [])
            head = await self.head(session.id)
            if head is not None:  # else it was deleted in between
                return head

    async def delete(self, session: str) -> bool:
        """See :meth:`server.eventlog.EventLog.delete`."""
        removal = Removal(session, asyncio.get_running_loop().create_future())
        self._commits.submit(removal)
        return await removal.done

    # -- reading

    async def head(self, session: str) -> Head | None:
        """See :meth:`server.eventlog.EventLog.head`."""
        while True:
            tail = self._commits.tails.get(session)
            if tail is not None:
                return tail.head()
            releases = self._commits.releases
            stored = await self._of(session, self._reader.start(rows.session_tail, session))
            if self._undisturbed(releases, session):
                return stored.head() if stored else None

    def _undisturbed(self, releases: int, *sessions: str) -> bool:
        """Whether the disk alone still has the truth about ``sessions``, as it had before a read.

        A session that came into memory meanwhile, or was packed, may have been read half-way.
        """
        return releases == self._commits.releases and not any(
            session in self._commits.tails for session in sessions
        )

    async def read(self, session: str, after: int, limit: int = 1000) -> Sequence[Event]:
        """See :meth:`server.eventlog.EventLog.read`."""
        while True:
            tail = self._commits.tails.get(session)
            if tail is not None and after >= tail.packed:
                return tail.page(after, limit)
            releases = self._commits.releases
            reading = self._reader.start(rows.events, session, after, limit)
            events = await self._of(session, reading)
            if events:
                return events
            if tail is None and self._undisturbed(releases, session):
                return []
            if tail is not None and tail is self._commits.tails.get(session):
                raise self._damage.note(damaged(session, after + 1, tail.packed))

    async def _of(self, session: str, reading: asyncio.Future[T]) -> T:
        """What was read of ``session``; damage is remembered."""
        try:
            return await reading
        except StoreDamaged as error:
            known = error if error.session else damaged(session)
            raise self._damage.note(known) from error

    def recent(self, session: str, after: int) -> Sequence[Event] | None:
        """See :meth:`server.eventlog.EventLog.recent`."""
        tail = self._commits.tails.get(session)
        return tail.after(after) if tail else None

    def watch(self, session: str, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """See :meth:`server.eventlog.EventLog.watch`."""
        return self._watchers.watch(session, wake)

    # -- what is kept beside the events

    async def expired(self, ended_before: str, limit: int = 100) -> list[str]:
        """See :meth:`server.eventlog.EventLog.expired`."""
        return await self._reader.start(rows.expired, ended_before, limit)

    async def sessions(
        self, *, limit: int, before: int | None = None, state: str | None = None
    ) -> list[Head]:
        """See :meth:`server.eventlog.EventLog.sessions`."""
        while True:
            releases = self._commits.releases
            stored = await self._reader.start(rows.session_tails, limit, before, state)
            if releases == self._commits.releases:
                tails = self._commits.tails
                return [tails.get(tail.record.id, tail).head() for tail in stored]

    async def last_number(self, session: str, producer: str) -> int:
        """See :meth:`server.eventlog.EventLog.last_number`."""
        while True:
            tail = self._commits.tails.get(session)
            if tail is not None and producer in tail.numbers:
                return tail.numbers[producer]
            releases = self._commits.releases
            found = await self._reader.start(rows.find, {(session, producer)})
            tail = self._commits.tails.get(session)
            if releases == self._commits.releases and (not tail or producer not in tail.numbers):
                return found[session, producer].n

    async def run(self, run: str) -> RunRecord | None:
        """See :meth:`server.eventlog.EventLog.run`."""
        found = await self._reader.start(rows.run_records, "WHERE runs.id = ?", run)
        return found[0] if found else None

    async def runs(self, session: str) -> list[RunRecord]:
        """See :meth:`server.eventlog.EventLog.runs`."""
        where = "WHERE sessions.owner = ? AND sessions.id = ? ORDER BY runs.key"
        reading = self._reader.start(rows.run_records, where, rows.OWNER, session)
        return await self._of(session, reading)

    async def active_runs(self) -> list[RunRecord]:
        """See :meth:`server.eventlog.EventLog.active_runs`."""
        where = "WHERE runs.active = 1 ORDER BY runs.key"
        return await self._reader.start(rows.run_records, where)

    async def run_by_key(self, idempotency_key: str, created_after: str) -> RunRecord | None:
        """See :meth:`server.eventlog.EventLog.run_by_key`."""
        where = """WHERE runs.idempotency_key = ? AND runs.created > ?
            ORDER BY runs.created DESC LIMIT 1"""
        found = await self._reader.start(rows.run_records, where, idempotency_key, created_after)
        return found[0] if found else None

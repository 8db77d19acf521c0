"""The event log: what an implementation owes, and what a caller may assume.

**Order.** A session's events have offsets 1, 2, 3, … without a hole, in the order in which
:meth:`EventLog.submit` was called for that session.

**Commit, then show.** An event can be read, and its append is answered, only after the
event is durable: it survives the death of this process and, with the store's default settings, a
loss of power. A group of appends may share one commit; all of an append is kept or nothing of it.

**One transaction.** The events, the run's record, the session's record and the producer's last
number of one append become durable together.

**Exactly once.** Of a ``producer``'s drafts, those whose ``n`` is not past the highest that came
before in that session are left out, also after a restart; ``n`` 0 is always new.

**Epoch.** A session keeps the epoch of the :class:`~server.records.SessionRecord` that it was first
stored with. If offsets may have been given twice, the epoch changes; it never changes silently.

**Failure.** When a commit fails, its appends fail with
:class:`~server.errors.StoreUnavailable`, nothing of them is kept or was seen, and their offsets are
free again. Appends that were waiting behind them for the same session fail with them. The caller
may append the same again. While the disk is full only an append whose record ends a run, or has a
cancel in it, is taken; while the disk fails none is. Either ends by itself: see
:meth:`~EventLog.health`.

**Damage.** Bytes that are not those that were written are never returned: a read of them raises
:class:`~server.errors.StoreDamaged` with the stretch, and the events behind it can be read.

**Immutable.** What was read once reads the same for as long as the session exists. A session ends
whole, by :meth:`~EventLog.delete`; watchers hear of it.

**Bounds.** Memory does not grow with the number of stored sessions or the length of their logs. No
read keeps a transaction open after it has returned.

Everything is called on the event loop's thread. Methods that are not ``async`` never wait.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from server.errors import StoreDamaged
from server.events import Draft, Event
from server.records import Head, RunRecord, SessionRecord, Then

#: What a page of :meth:`EventLog.read` holds at most: bytes of events (but at least one event).
PAGE_BYTES = 128 * 1024


class Health(NamedTuple):
    """Whether a store takes everything; what it has is read in every condition."""

    condition: str = "healthy"  # or "full", "failing"
    reasons: Sequence[str] = ()  # why it is not healthy, for people
    damaged: Sequence[StoreDamaged] = ()  # what was found since it was opened


class EventLog(Protocol):
    """A store of sessions' events. Opened by an ``async with``; closing it commits what waits."""

    # -- writing

    def submit(
        self,
        session: SessionRecord,
        drafts: Sequence[Draft],
        then: Then,
        *,
        producer: str = "",
        record: RunRecord | None = None,
    ) -> None:
        """Give ``drafts`` their offsets and make them durable, in call order for each session.

        Stores the session with its first append. ``record`` replaces the run's record; an active
        one makes the session ``running``, one that has ended makes it ``closed`` unless a later
        run is known. No drafts and a record is a change of the record alone. ``then`` hears how it
        went, see :class:`~server.records.Append`; what it submits itself goes with the next group.
        Raises ValueError for a draft with a line end in it, TypeError for a record that is not
        JSON.
        """

    def append(
        self,
        session: SessionRecord,
        drafts: Sequence[Draft],
        *,
        producer: str = "",
        record: RunRecord | None = None,
    ) -> asyncio.Future[Sequence[Event]]:
        """Submit for somebody who waits; done with the events that were new."""

    def feed(self, descriptor: int, turn: Callable[[], None]) -> AbstractContextManager[None]:
        """Have ``turn`` called, on the loop, when ``descriptor`` is readable and a group is due.

        What it submits goes into the next commit. While one is under way it is not called: what
        waits behind the descriptor is the sender's patience, not this process's memory.
        """

    async def create(self, session: SessionRecord) -> Head:
        """Store a session that has no event yet, or return the one that has its id."""

    async def delete(self, session: str) -> bool:
        """Delete a session, its events and its runs; False if it is not stored.

        It is out of sight at once. Its rows go in steps so small that commits do not notice.
        """

    # -- how it stands

    def health(self) -> Health:
        """Whether everything can be appended, and what was found damaged."""

    # -- reading

    async def head(self, session: str) -> Head | None:
        """Where the session's log stands; None if it is not stored."""

    async def read(self, session: str, after: int, limit: int = 1000) -> Sequence[Event]:
        """The committed events ``after+1, after+2, …``: at most ``limit``, at most a page's bytes.

        Empty only at the end of the log, or when the session is not stored (any more).
        """

    def recent(self, session: str, after: int) -> Sequence[Event] | None:
        """All committed events after ``after`` if memory holds them, else None: read them."""

    def watch(self, session: str, wake: Callable[[], None]) -> AbstractContextManager[None]:
        """Have ``wake`` called, on the loop, after each commit to the session and its deletion.

        A wake-up carries nothing and may come once for many commits, or for none.
        """

    # -- what is kept beside the events

    async def expired(self, ended_before: str, limit: int = 100) -> list[str]:
        """The ids of stored sessions that closed before that time, the longest closed first."""

    async def sessions(
        self, *, limit: int, before: int | None = None, state: str | None = None
    ) -> list[Head]:
        """Stored sessions, newest first, those whose ``order`` is under ``before``."""

    async def last_number(self, session: str, producer: str) -> int:
        """The highest committed ``n`` of a producer in a session; 0 if there is none.

        What a producer is told that is to go on where the log ends.
        """

    async def run(self, run: str) -> RunRecord | None:
        """The record of a run as it was last committed."""

    async def runs(self, session: str) -> list[RunRecord]:
        """The records of a session's runs, oldest first."""

    async def active_runs(self) -> list[RunRecord]:
        """The runs without a terminal event, oldest first: what a new server finds."""

    async def run_by_key(self, idempotency_key: str, created_after: str) -> RunRecord | None:
        """The newest run with that key that was created after that time."""

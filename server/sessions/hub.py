"""All sessions: finds them, creates them, and lets go of those that nobody holds.

A session is in memory while somebody holds it: a reader, an active run, a request that is being
served. One that exists only because somebody asked for it stays for ``WAITING_SECONDS`` after its
last reader left; it costs no disk until its first event.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial

import structlog

from server import telemetry
from server.errors import AtCapacity, NotFound, RunActive, ShuttingDown
from server.eventlog import EventLog
from server.events import Draft, Event
from server.records import Head, RunRecord, SessionRecord, Then
from server.runs import Found
from server.sessions.bye import Bye
from server.sessions.carrier import Carrier
from server.sessions.diagnosis import Snapshot
from server.sessions.session import Session
from server.sessions.stretches import Stretches
from server.settings import Settings

log = structlog.get_logger()


class Hub:
    """The sessions of one server."""

    def __init__(self, settings: Settings, events: EventLog):
        self.settings = settings
        self.events = events
        self.closing = False
        self.carriers: set[Carrier] = set()  # connections that carry many subscriptions
        self._sessions: dict[str, Session] = {}
        self._stretches = Stretches()
        self._waiting: set[str] = set()  # exist only because somebody asked for them

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)

    # -- finding and creating

    def hold(self, name: str, *, create: bool) -> AbstractAsyncContextManager[Session]:
        """The session, kept in memory meanwhile.

        Raises NotFound where it does not exist and ``create`` is not set, AtCapacity where too many
        sessions only wait, ShuttingDown where a stopping server would have to create it.
        """
        return _Held(self, name, create=create)

    async def enter(self, name: str, *, create: bool) -> Session:
        """What :meth:`hold` begins with."""
        session = await self._find(name)
        session.holders += 1
        try:
            await session.load()
            self._verify(session, create=create)
        except BaseException:
            self.leave(session)
            raise
        return session

    def leave(self, session: Session) -> None:
        """What :meth:`hold` ends with."""
        session.holders -= 1
        session.touch()
        self._let_go(session)

    async def _find(self, name: str) -> Session:
        while (session := self._sessions.get(name)) is not None:
            if session.deleting is None:
                return session
            await asyncio.shield(session.deleting)
        session = self._sessions[name] = Session(name, self.events, self._stretches)
        telemetry.SESSIONS.set(len(self._sessions))
        return session

    def _verify(self, session: Session, *, create: bool) -> None:
        created = not self._exists(session)
        if created and not create:
            raise unknown(session.id)
        if created:
            self._admit(session)
        if create:
            log.info("Session verified/created", session=session.id, created=created)

    def _admit(self, session: Session) -> None:
        if self.closing:
            raise ShuttingDown("the server is stopping: come back in a moment")
        if len(self._waiting) >= self.settings.max_waiting_sessions:
            raise AtCapacity(
                f"{len(self._waiting)} sessions wait for their first event already"
                " (MAX_WAITING_SESSIONS): try again later",
                retry_after=5,
            )
        self._waiting.add(session.id)

    def _exists(self, session: Session) -> bool:
        return session.stored or session.id in self._waiting

    async def create(self, record: SessionRecord) -> tuple[Session, bool]:
        """Store a session by name; True with it if it was new to the log."""
        async with self.hold(record.id, create=True) as session:
            if session.stored:
                return session, False
            # A reader that waits already was given an epoch: that one is stored.
            session.relabel(record.labels)
            await self.events.create(session.record)
            session.stored = True
            self._waiting.discard(session.id)
            return session, True

    async def look(self, name: str) -> tuple[Head, int]:
        """Where a session stands and how many read it; does not take it into memory."""
        session = self._sessions.get(name)
        if session is not None and session.loaded and self._exists(session):
            return session.head, len(session.audience)
        head = await self.events.head(name)
        if head is None:
            raise unknown(name)
        return head, 0

    async def listed(
        self, limit: int, before: int | None, state: str | None
    ) -> tuple[list[Head], int | None]:
        """A page of sessions, newest first, and what the next page is before; None if none is.

        The first page begins with those in memory only. They have no place in the order that pages
        continue by: what does not fit on the first page is not listed.
        """
        waiting: list[Head] = []
        if before is None and state in (None, "waiting"):
            waiting = [s.head for s in self if s.id in self._waiting and s.loaded]
            waiting.sort(key=lambda head: head.record.created, reverse=True)
        page = waiting[:limit]
        room = limit - len(page)
        stored = await self.events.sessions(limit=room + 1, before=before, state=state)
        more = stored[room].order + 1 if len(stored) > room else None
        return page + stored[:room], more

    def current(self, head: Head) -> tuple[Head, int]:
        """A stored head as it stands in memory, and how many read it."""
        session = self._sessions.get(head.record.id)
        if session is None or not session.loaded:
            return head, 0
        return session.head, len(session.audience)

    async def snapshot(self, name: str, run_of: Callable[[str], Awaitable[RunRecord]]) -> Snapshot:
        """What diagnosis looks at; a session that nobody knows is an answer too."""
        try:
            head, _ = await self.look(name)
        except NotFound:
            return Snapshot(name, None, None, None, (), ())
        run = await run_of(head.run) if head.run else None
        newest = await self.events.read(name, head.last - 1) if head.last else ()
        session = self._sessions.get(name)
        return Snapshot(
            name,
            head,
            run,
            newest[0].line if newest else None,
            session.audience.described(head.record.epoch, head.last) if session else (),
            tuple(session.audience.troubles) if session else (),
        )

    # -- writing

    def append(
        self,
        session: str,
        drafts: Sequence[Draft],
        then: Then,
        *,
        producer: str = "",
        record: RunRecord | None = None,
    ) -> None:
        """What runs append with, see :class:`server.records.Append`.

        The session is in memory: a run holds it from its acceptance to its terminal event.
        """
        held = self._sessions[session]
        if record is not None or not held.stored:
            # Events alone need no word from here: the log's wake-up tells the session.
            then = partial(self._appended, held, record, then)
        if record is not None and record.active:
            held.runs.add(record.id)
        self.events.submit(held.record, drafts, then, producer=producer, record=record)

    def _appended(
        self,
        held: Session,
        record: RunRecord | None,
        then: Then,
        events: Sequence[Event],
        error: Exception | None,
    ) -> None:
        try:
            held.committed()
            if held.stored:
                self._waiting.discard(held.id)
            if record is not None and not record.active and error is None:
                held.runs.discard(record.id)
                self._let_go(held)
        finally:
            then(events, error)

    async def find_runs(self) -> list[Found]:
        """The runs that the log knows without an end; their sessions are held until they end."""
        found = []
        for record in await self.events.active_runs():
            async with self.hold(record.session, create=False) as session:
                session.runs.add(record.id)
            emitted = record.start_given  # else nobody has a number to go on from
            n = await self.events.last_number(record.session, record.id) if emitted else 0
            found.append(Found(record, n))
        return found

    # -- letting go

    async def delete(self, name: str) -> None:
        """Delete a session; its readers hear ``deleted``. Raises RunActive, NotFound."""
        async with self.hold(name, create=False) as session:
            if session.busy:
                raise RunActive(f"session {name} has a run that has not ended: cancel it first")
            session.deleting = asyncio.get_running_loop().create_future()
            try:
                await self.events.delete(name)
                session.audience.dismiss(Bye("deleted"))
                self._drop(session)
            finally:
                session.deleting.set_result(None)
                if name in self._sessions:
                    session.deleting = None

    async def expire(self, ended_before: str) -> int:
        """Delete what closed before that time; how many sessions went."""
        gone = 0
        for name in await self.events.expired(ended_before):
            try:
                await self.delete(name)
                gone += 1
            except (NotFound, RunActive):
                continue  # it lives again, or somebody else deleted it
        return gone

    def forget_waiting(self, at: float) -> None:
        """Forget the sessions that only waited, and that nobody has read for long enough."""
        for session in self:
            idle = session.idle(at) > self.settings.waiting_seconds
            if session.id in self._waiting and idle and not session.holders and not session.runs:
                self._drop(session)

    @contextmanager
    def carrying(self, carrier: Carrier) -> Iterator[None]:
        """Look after a connection that carries many subscriptions, for as long as it stands."""
        self.carriers.add(carrier)
        if self.closing:
            carrier.end(Bye("overloaded", 1000))
        try:
            yield
        finally:
            self.carriers.discard(carrier)
            carrier.close()  # the pulse may be on its way to it

    def stop(self, spread_ms: int) -> None:
        """Say ``bye`` to everybody, to come back spread over that time; create nothing any more."""

        def bye() -> Bye:
            return Bye("restart", random.randrange(spread_ms))  # noqa: S311 - it keeps no secret

        self.closing = True
        # A connection first: all that it carries come back at one time, on one connection.
        for carrier in self.carriers:
            carrier.end(bye())
        for session in self:
            session.audience.dismiss(bye())

    def _let_go(self, session: Session) -> None:
        if not (session.holders or session.runs or session.id in self._waiting):
            self._drop(session)

    def _drop(self, session: Session) -> None:
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
            self._waiting.discard(session.id)
            telemetry.SESSIONS.set(len(self._sessions))
        session.close()


class _Held:
    # Not a generator's: a stream keeps it as long as it is, and a frame is five times its size.
    __slots__ = ("_create", "_hub", "_name", "_session")

    def __init__(self, hub: Hub, name: str, *, create: bool) -> None:
        self._hub = hub
        self._name = name
        self._create = create

    async def __aenter__(self) -> Session:
        self._session = await self._hub.enter(self._name, create=self._create)
        return self._session

    async def __aexit__(self, *_: object) -> None:
        self._hub.leave(self._session)


def unknown(session: str) -> NotFound:
    """Nobody knows the session that a request addressed."""
    log.warning("Session not in active sessions", session=session)
    return NotFound(f"session {session} does not exist: nobody has asked for it yet")

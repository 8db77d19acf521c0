"""One session in memory: where its log stands, as far as its readers were told.

Its state follows from its events (``run_start`` sets it running, a terminal event closes it), so it
is the same for whoever reads the same log. It is in memory only while somebody holds it.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import structlog

from server.eventlog import EventLog
from server.events import TERMINAL, Event
from server.records import Head, SessionRecord, SessionState
from server.sessions.audience import Audience
from server.sessions.opening import Opening, Wish, resolve
from server.sessions.stretches import Stretch, Stretches, parts

log = structlog.get_logger()


class _RunOf(msgspec.Struct):
    run: str


class Session:
    """Made, held and let go of by the hub."""

    __slots__ = (
        "_events",
        "_head",
        "_loading",
        "_log",
        "_refreshing",
        "_run",
        "_scope",
        "_stretches",
        "_tells",
        "audience",
        "deleting",
        "epoch",
        "holders",
        "id",
        "last",
        "runs",
        "starting",
        "state",
        "stored",
    )

    def __init__(self, session: str, events: EventLog, stretches: Stretches):
        self.id = session
        self.audience = Audience(session)
        self.stored = False  # has an event, or was created by name: the log knows it
        self.starting = False  # a run is being accepted: the place is taken
        self.deleting: asyncio.Future[None] | None = None  # done when nothing is left of it
        self.holders = 0  # requests and readers
        self.runs: set[str] = set()  # the active ones
        self._events = events
        self._stretches = stretches
        self._log = log.bind(session=session)  # bound once: to bind costs more than to be silent
        self._tells = self._log.is_enabled_for(logging.DEBUG)
        self.last = 0  # the offset of the newest event that readers were told of
        self.state: SessionState = "waiting"
        self._run: str | None = None
        self._head: Head | None = None  # as it was loaded: what changes stands above
        self.epoch = ""  # of its offsets, once it was loaded
        self._loading: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._scope = ExitStack()
        self._scope.enter_context(events.watch(session, self.committed))

    def close(self) -> None:
        """Let go of what it holds of the log."""
        self._scope.close()
        if self._refreshing is not None:
            self._refreshing.cancel()

    # -- where the log stands

    async def load(self) -> None:
        """Find out where the log stands; a session that is not stored begins anew."""
        if self._head is None:
            # Many may ask at once for a session that is not in memory: one reads, all wait.
            self._loading = self._loading or asyncio.create_task(self._load())
            await asyncio.shield(self._loading)

    async def _load(self) -> None:
        head = await self._events.head(self.id)
        self.stored = head is not None
        self._head = head or Head(record=SessionRecord(id=self.id))
        self.epoch = self._head.record.epoch
        self.last, self.state, self._run = self._head.last, self._head.state, self._head.run
        self.committed()  # what came while the head was read

    @property
    def loaded(self) -> bool:
        """Whether it is known where the log stands."""
        return self._head is not None

    @property
    def head(self) -> Head:
        """Where the log stands as far as readers were told."""
        assert self._head is not None, "a session is used only after it was loaded"
        return msgspec.structs.replace(self._head, last=self.last, state=self.state, run=self._run)

    @property
    def record(self) -> SessionRecord:
        """Who the session is."""
        assert self._head is not None, "a session is used only after it was loaded"
        return self._head.record

    @property
    def busy(self) -> bool:
        """Whether it has a run that has not ended, or one that is being accepted."""
        return self.starting or bool(self.runs) or self.state == "running"

    def idle(self, at: float) -> float:
        """For how many seconds nobody has read it."""
        return 0.0 if self.audience else at - self.audience.idle_since

    def touch(self) -> None:
        """Somebody asked for it just now."""
        self.audience.idle_since = time.monotonic()

    def relabel(self, labels: dict[str, str]) -> None:
        """Give a session that is about to be stored its labels."""
        assert self._head is not None, "a session is used only after it was loaded"
        record = msgspec.structs.replace(self.record, labels=labels)
        self._head = msgspec.structs.replace(self._head, record=record)

    # -- for its readers

    def open(self, wish: Wish) -> Opening:
        """Place a reader's wish in the log."""
        self.committed()  # a cursor may be newer than the last wake-up
        opening = resolve(wish, self.head)
        if opening.reset is not None:
            trouble = f"a reader was reset: {opening.reset}, at {opening.asked}"
            self.audience.troubles.appendleft(trouble)
        return opening

    async def read(self, after: int) -> Sequence[Event]:
        """A page of the events after that offset, of those that readers were told of."""
        events = await self._events.read(self.id, after)
        if events and events[-1].offset > self.last:
            # Committed, but the live readers have not had it: whoever goes live behind it would be
            # written to from the wrong place.
            return events[: self.last - after]
        return events

    def kept(self, after: int) -> Stretch | None:
        """The events after that offset, where a reader has had them lately."""
        return self._stretches.find((self.id, self.epoch, after))

    async def stretch(self, after: int) -> Stretch | None:
        """The events after that offset, when it is this reader's turn; None if there are none."""
        key = self.id, self.epoch, after
        return await self._stretches.next(key, lambda: self.read(after), lambda: self.last)

    def described(self) -> dict[str, Any]:
        """The session object of the contract."""
        return describe(self.head, len(self.audience))

    # -- what was committed

    def committed(self) -> None:
        """Take in what the log has committed since, and write it to the live readers."""
        if self.deleting is not None or self._head is None:
            return
        events = self._events.recent(self.id, self.last)
        if events is not None:
            if len(events) == 1:
                self._publish(events)
            else:
                for piece in parts(events):
                    self._publish(piece)
        elif self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        # The log has let go of it already: what is new is on disk only.
        while events := await self._events.read(self.id, self.last):
            if new := [event for event in events if event.offset > self.last]:
                self._publish(new)

    def _publish(self, events: Sequence[Event]) -> None:
        self._advance(events)
        over = self.state == "closed"
        subscribers = self.audience.write(self.epoch, events, over=over)
        if self._tells:
            for event in events:
                bound = {"run": self._run, "offset": event.offset}
                self._log.debug("Event added to queue", type=event.type, size=event.offset, **bound)
                self._log.debug("Event emitted", subscribers=subscribers, **bound)

    def _advance(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.type == "run_start":
                self.state = "running"
                self._run = msgspec.json.decode(event.line, type=_RunOf).run
            elif event.type in TERMINAL:
                self.state = "closed"
        self.last = events[-1].offset
        self.stored = True


def describe(head: Head, subscribers: int) -> dict[str, Any]:
    """The session object of the contract for a session that may not be in memory."""
    record = head.record
    described: dict[str, Any] = {
        "id": record.id,
        "epoch": record.epoch,
        "state": head.state,
        "created": record.created,
        "labels": record.labels,
        "first": head.first,
        "last": head.last,
        "subscribers": subscribers,
    }
    return described | ({"run": head.run} if head.run else {})

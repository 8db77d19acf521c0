"""The newest events of one session, in memory. Pure.

Every committed event is first here; a back end with a disk lets go of those that it has packed away
(:meth:`Tail.forget`), one without keeps them all. A page is cut the same way from either place.
"""

from collections.abc import Iterable
from typing import NamedTuple

from server.eventlog import PAGE_BYTES
from server.events import Event, now
from server.records import Head, RunRecord, SessionRecord, SessionState


class Status(NamedTuple):
    """What the run records that were appended make of their session."""

    state: SessionState = "waiting"
    run: str | None = None
    ended: str | None = None

    def after(self, record: RunRecord) -> "Status":
        """The status once ``record`` is stored; a late word on an earlier run changes nothing."""
        if record.active:
            return Status("running", record.id)
        if self.run is None or self.run == record.id:
            return Status("closed", record.id, record.ended or now())
        return self


class Tail:
    """Where a session's log stands, and its events after ``packed``.

    ``numbers`` has the highest committed ``n`` of each producer that is known here; a producer that
    is missing may still have an older ``n`` on disk.
    """

    __slots__ = ("events", "key", "numbers", "packed", "record", "status")

    def __init__(
        self, key: int, record: SessionRecord, status: Status | None = None, packed: int = 0
    ) -> None:
        self.key = key
        self.record = record
        self.status = status or Status()
        self.packed = packed
        self.events: list[Event] = []
        self.numbers: dict[str, int] = {}

    @property
    def last(self) -> int:
        """The offset of the last committed event; 0 in an empty log."""
        return self.packed + len(self.events)

    @property
    def idle(self) -> bool:
        """Whether nothing is here that the disk does not have too."""
        return not self.events and not self.numbers

    def head(self) -> Head:
        """The session as the log shows it."""
        return Head(
            record=self.record,
            last=self.last,
            state=self.status.state,
            run=self.status.run,
            order=self.key,
        )

    def after(self, offset: int) -> list[Event] | None:
        """All events after ``offset``, or None where some of them are not here any more."""
        return self.events[offset - self.packed :] if offset >= self.packed else None

    def page(self, after: int, limit: int) -> list[Event]:
        """The first page of the events after ``after``, which is not under ``packed``."""
        start = after - self.packed
        return page(self.events[start : start + limit], limit)

    def forget(self, upto: int) -> None:
        """Let the events up to and with offset ``upto`` go."""
        del self.events[: upto - self.packed]
        self.packed = upto

    def settle(self) -> None:
        """All of it is on disk: only a run that goes on keeps its number here.

        Or its next event would have to look for it there, and all runs' at about the same time.
        """
        going = self.status.run if self.status.state == "running" else None
        self.numbers = {run: n for run, n in self.numbers.items() if run == going}

    def clear(self) -> None:
        """Let everything go: the session is deleted."""
        self.events.clear()
        self.numbers.clear()


def page(events: Iterable[Event], limit: int) -> list[Event]:
    """The beginning of ``events``: at most ``limit``, at most a page's bytes, at least one."""
    kept: list[Event] = []
    size = 0
    for event in events:
        size += len(event.line)
        if len(kept) == limit or (kept and size > PAGE_BYTES):
            break
        kept.append(event)
    return kept


def heads(tails: Iterable[Tail], limit: int, before: int | None, state: str | None) -> list[Head]:
    """A page of the list of sessions, newest first."""
    chosen = [
        tail
        for tail in tails
        if (before is None or tail.key < before) and (state is None or tail.status.state == state)
    ]
    return [tail.head() for tail in sorted(chosen, key=_order, reverse=True)[:limit]]


def _order(tail: Tail) -> int:
    return tail.key

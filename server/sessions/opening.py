"""Where a reader starts, and what it asked for. Pure.

============================== ===================================================================
asked for                      starts
============================== ===================================================================
nothing                        at the first event
``now``                        at the log's end
a cursor with offset 0         at the first event, whatever its epoch: it means nothing yet
a cursor of this epoch         behind it
a cursor of another epoch      at the first event, after a ``reset`` ``epoch``
a cursor past the log's end    at the first event, after a ``reset`` ``ahead``
============================== ===================================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from server.errors import BadRequest
from server.events import TYPE, Cursor, Event, now
from server.records import Head

Until = Literal["run", "forever"]
#: No filter, one for all who want everything.
EVERY: frozenset[str] = frozenset()
UNTIL: dict[str, Until] = {"run": "run", "forever": "forever"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asked for, checked: ``after`` is a cursor, ``now``, or None for the start."""

    after: Cursor | Literal["now"] | None = None
    types: frozenset[str] = EVERY
    until: Until = "run"

    @classmethod
    @lru_cache(maxsize=100)  # most readers wish the same, and each stream keeps its wish
    def parse(cls, after: str, types: str = "", until: str = "run") -> "Wish":
        """Read the query's texts; raises :class:`BadRequest` that names the one at fault."""
        return cls.check(after, [name for name in types.split(",") if name], until)

    @classmethod
    def check(cls, after: str, types: Sequence[str], until: str) -> "Wish":
        """The same where the types come one by one."""
        if until not in UNTIL:
            raise BadRequest("until must be 'run' or 'forever'", path="until")
        names = frozenset(types) if types else EVERY
        for name in names:
            if TYPE.fullmatch(name) is None:
                raise BadRequest(f"{name[:80]!r} is not an event type", path="types")
        if after == "now":
            return cls("now", names, UNTIL[until])
        return cls(Cursor.parse(after) if after else None, names, UNTIL[until])

    @property
    def continues(self) -> bool:
        """Whether it continues a log: a session that does not exist cannot serve it."""
        return isinstance(self.after, Cursor) and self.after.offset > 0


@dataclass(frozen=True)
class Opening:
    """A wish resolved against a log: events follow from ``start + 1``."""

    head: Head
    start: int
    asked: str  # the cursor as it was asked for, ``now`` and nothing resolved
    reset: str | None
    types: frozenset[str]
    until: Until

    @property
    def epoch(self) -> str:
        """The epoch that the events to come belong to."""
        return self.head.record.epoch

    @property
    def complete(self) -> bool:
        """Whether there is nothing to send at all: the end of a closed session."""
        return (
            self.until == "run"
            and self.head.state == "closed"
            and self.reset is None
            and self.start >= self.head.last
        )

    def frames(self, session: str, heartbeat: float) -> list[dict[str, Any]]:
        """The control frames that come before the first event."""
        head = self.head
        ready: dict[str, Any] = {
            "type": "ready",
            "protocol": 1,
            "session": session,
            "epoch": self.epoch,
            "state": head.state,
            "first": head.first,
            "last": head.last,
            "after": self.asked,
            "heartbeat": heartbeat,
            "time": now(),
        }
        return [ready, *self.reset_frames()]

    def reset_frames(self) -> list[dict[str, Any]]:
        """The ``reset``, where the cursor could not be continued."""
        if self.reset is None:
            return []
        span = {"epoch": self.epoch, "first": self.head.first, "last": self.head.last}
        return [{"type": "reset", "reason": self.reset, **span}]


def wanted(types: frozenset[str], events: Sequence[Event]) -> Sequence[Event]:
    """Those of ``events`` that are of one of ``types``; all, where none is named."""
    return [event for event in events if event.type in types] if types else events


def resolve(wish: Wish, head: Head) -> Opening:
    """Place a wish in a log."""
    epoch, last, start = head.record.epoch, head.last, head.first - 1
    reset = None
    if wish.after is None:
        asked = str(Cursor(epoch, start))
    elif wish.after == "now":
        start = last
        asked = str(Cursor(epoch, last))
    else:
        cursor = wish.after
        asked = str(cursor)
        if cursor.offset == 0:
            asked = str(Cursor(epoch, start))
        elif cursor.epoch != epoch:
            reset = "epoch"
        elif cursor.offset > last:
            reset = "ahead"
        else:
            start = cursor.offset
    return Opening(head, start, asked, reset, wish.types, wish.until)

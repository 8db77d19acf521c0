"""A subscription: one reader's cursor into one session's log, written once for every transport.

It is in one of three phases:

=========== ==================================================================================
catch-up    reads stretches of the log at the reader's own pace and keeps nothing but the cursor
live        at the log's end: the session writes new events to it, the same bytes as to all others
closed      has said ``bye``, or its connection is gone
=========== ==================================================================================

*catch-up → live* in the loop turn in which the cursor equals the log's end, so nothing can come
between. *live → catch-up* when the socket does not drain: what it has not taken stays in the log.
*any → closed* when the stream is complete, or by :meth:`Subscription.end`.

A task works for it while it catches up or ends, and only then: nobody waits for a live reader.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Literal, Self

import structlog

from server import telemetry
from server.errors import StoreDamaged
from server.events import Cursor, Event, now
from server.sessions.bye import Bye
from server.sessions.log import Log
from server.sessions.opening import Opening, wanted
from server.sessions.pace import Pace, Verdict
from server.sessions.sink import Sink
from server.sessions.stretches import IN_A_ROW, Stretch

log = structlog.get_logger()

#: Bytes that the socket of a live reader may owe before the reader is on its own again.
LIVE_BACKLOG = 16 * 1024
#: Seconds between ``bye`` ``slow`` and the end of the connection.
SLOW_ABORT_SECONDS = 5.0


class Place:
    """Where readers that are live together stand in the log, and what they were sent together."""

    __slots__ = ("last_sent", "offset", "sent")

    def __init__(self) -> None:
        self.offset = 0
        self.sent = 0  # events
        self.last_sent = 0.0


class Subscription:
    """One connected reader, which follows while it is entered.

    ``cursor`` never runs ahead of what was handed to its socket.
    """

    __slots__ = (
        "_bye",
        "_last_sent",
        "_offset",
        "_opening",
        "_pace",
        "_place",
        "_said",
        "_sent",
        "_task",
        "connected",
        "ended",
        "heartbeat",
        "phase",
        "session",
        "sink",
        "types",
        "until",
    )

    def __init__(self, session: Log, sink: Sink, opening: Opening, heartbeat: float):
        self.session = session
        self.sink = sink
        self.types = opening.types
        self.until = opening.until
        self.heartbeat = heartbeat
        self.phase: Literal["catch-up", "live", "closed"] = "catch-up"
        self.connected = time.monotonic()
        self._opening: Opening | None = opening  # until its reader was told
        self._offset = opening.start
        self._sent = 0
        self._last_sent = self.connected
        self._place: Place | None = None  # where it stands while it is live with others
        self._pace = Pace(heartbeat, self.connected)
        self._bye: Bye | None = None  # what it is to end with
        self._said: Bye | None = None  # what its reader was told
        self._task: asyncio.Task[None] | None = None
        #: Done with the stream's end; a ConnectionError where the connection went first.
        self.ended: asyncio.Future[Bye] = asyncio.get_running_loop().create_future()

    @property
    def transport(self) -> str:
        """``ws`` or ``sse``."""
        return self.sink.transport

    @property
    def offset(self) -> int:
        """Everything up to here was handed to the socket."""
        return self._offset if self._place is None else self._place.offset

    @property
    def sent(self) -> int:
        """How many events it was sent."""
        return self._sent if self._place is None else self._sent + self._place.sent

    @property
    def last_sent(self) -> float:
        """When something was handed to the socket last."""
        return max(self._last_sent, self._place.last_sent if self._place else 0.0)

    @property
    def reason(self) -> str:
        """Why it ended: of ``bye``, or ``gone`` when the connection went first."""
        return self._said.reason if self._said else "gone"

    @property
    def cursor(self) -> str:
        """Its offset as the wire has it."""
        return str(Cursor(self.session.epoch, self.offset))

    @property
    def ending(self) -> bool:
        """Whether it was told to end: nothing but its ``bye`` is to come."""
        return self._bye is not None

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to come: the log's end, and the session closed."""
        return (
            self.until == "run"
            and self.session.state == "closed"
            and self.offset >= self.session.last
        )

    # -- the three phases

    def __enter__(self) -> Self:
        """Send the log from the opening's start until the stream is complete or is ended."""
        self._open()
        self.session.audience.come(self, self.session.epoch)
        if not self._at_the_end():
            self._work()
        return self

    def __exit__(self, *_: object) -> None:
        self.session.audience.go(self, self.session.epoch)

    def _at_the_end(self) -> bool:
        """Be live, if there is nothing to send and more may come."""
        if self.offset < self.session.last or self.ending or self.complete:
            return False
        self.phase = "live"
        self.session.audience.go_live(self)
        return True

    def _work(self) -> None:
        if self._task is None and not self.ended.done():
            self._task = asyncio.create_task(self._catch_up_or_end())

    async def _catch_up_or_end(self) -> None:
        try:
            while True:
                await self.sink.drain()
                if self.ending or self.complete:
                    self._over()
                    return
                if self._at_the_end() or not await self._catch_up():
                    return
        except Exception as error:  # noqa: BLE001 - whoever waits for the end is told
            if not self.ended.done():
                self.ended.set_exception(error)
        finally:
            self._task = None

    def _over(self) -> None:
        self.phase = "closed"
        bye = self._say(self._bye or Bye("closed"))
        if not self.ended.done():
            self.ended.set_result(bye)

    def _open(self) -> None:
        if self._opening is not None:
            for frame in self._opening.frames(self.session.id, self.heartbeat):
                self._control(frame)
            self._opening = None

    async def _catch_up(self) -> bool:
        """Hand over what comes next; False where there is nothing, and somebody has to say why."""
        self.phase = "catch-up"
        async with self.sink.turn():
            # Deleted under the reader: whoever deleted it ends the subscription.
            return self.ending or await self._read_on() or self.ending

    async def _read_on(self) -> bool:
        """Hand over what comes next in the log; whether there was anything."""
        try:
            stretch = await self.session.stretch(self.offset)
        except StoreDamaged as error:
            self._skip(error.last or self.session.last)
            return True
        if stretch is None:
            return False
        for _ in range(IN_A_ROW):
            self._hand_over(stretch)
            # What it does not take now stays in the log, not here.
            if self.sink.backlog() or (stretch := self.session.kept(self.offset)) is None:
                break
        return True

    def _hand_over(self, stretch: Stretch) -> None:
        log.debug(
            "Retrieved event from queue",
            session=self.session.id,
            **{"from": self.offset + 1, "to": stretch.last},
        )
        if self.types:
            self.deliver(stretch.events)
        else:
            self._write(stretch.encoded(self.sink.encoding, self.session.epoch))
            self._sent += len(stretch.events)
            self._offset = stretch.last

    def _skip(self, last: int) -> None:
        """What comes next is damaged up to ``last``: the log goes on behind it."""
        self._offset = last
        span = {"epoch": self.session.epoch, "first": last + 1, "last": self.session.last}
        self._control({"type": "reset", "reason": "damaged", **span})

    def deliver(self, events: Sequence[Event]) -> None:
        """Hand those of ``events`` that its reader wants to the socket."""
        chosen, last = wanted(self.types, events), events[-1].offset
        if chosen:
            self._write(self.sink.encoding.events(self.session.epoch, chosen))
            self._sent += len(chosen)
        self._offset = last

    def owe(self, data: bytes) -> bool:
        """Leave ``data`` to the transport of a live reader; nothing, and False, if it owes much."""
        if self.sink.backlog() > LIVE_BACKLOG:
            return False
        self.sink.write(data)
        return True

    def pick(self, events: Sequence[Event]) -> bool:
        """The same for a live reader that wants only some types."""
        if self.sink.backlog() > LIVE_BACKLOG:
            return False
        self.deliver(events)
        return True

    def stand_with(self, place: Place) -> None:
        """Be where ``place`` is, which moves with what all who stand there are sent."""
        self._sent -= place.sent
        self._place = place

    def stand_alone(self) -> None:
        """Stay where the place that it shared is now."""
        self._offset, self._sent, self._last_sent = self.offset, self.sent, self.last_sent
        self._place = None

    def leave_live(self) -> None:
        """Have the reader look where it stands: it lags, or there is nothing left to come."""
        self.phase = "catch-up"
        self._work()

    # -- the connection

    def end(self, bye: Bye) -> None:
        """Say ``bye`` as soon as the socket takes it; the first reason stands."""
        if self._bye is None:
            self._bye = bye
            self._work()

    def cut(self, bye: Bye) -> None:
        """Say ``bye`` now, though the socket may take nothing any more."""
        self.end(self._say(bye))

    def close(self) -> None:
        """Send nothing any more, whatever is still due."""
        self.phase = "closed"
        if self._task is not None:
            self._task.cancel()
        if not self.ended.done():
            self.ended.cancel()
        elif not self.ended.cancelled():
            self.ended.exception()  # that nobody waited for it is no fault to be reported

    def beat(self, at: float) -> None:
        """What time demands: a heartbeat, or an end for a reader that takes or answers nothing."""
        if self.phase == "closed":
            return
        verdict = self._judge(at)
        if verdict is Verdict.DEAD:
            self.end(Bye("gone"))
            self.sink.abort()
        elif verdict is Verdict.SLOW and self._said is None:
            self.cut(self._bye or Bye("slow"))
            asyncio.get_running_loop().call_later(SLOW_ABORT_SECONDS, self.sink.abort)
        elif at - self.last_sent >= self.heartbeat and not self.sink.backlog():
            self._control(
                {
                    "type": "heartbeat",
                    "cursor": self.cursor,
                    "last": self.session.last,
                    "time": now(),
                }
            )

    def _judge(self, at: float) -> Verdict:
        if self.sink.shared or not self._pace.due(at):
            return Verdict.FINE
        return self._pace.judge(at, self.sink.tcp_info(), self.sink.backlog())

    def _say(self, bye: Bye) -> Bye:
        if self._said is None and bye.reason != "gone":
            self._said = bye
            self._control(bye.frame(self.cursor))
        return bye

    def _control(self, frame: dict[str, Any]) -> None:
        self._write(self.sink.encoding.control(frame))

    def _write(self, data: bytes) -> None:
        self.sink.write(data)
        self._last_sent = time.monotonic()
        telemetry.BYTES_SENT.by_transport[self.sink.transport] += len(data)

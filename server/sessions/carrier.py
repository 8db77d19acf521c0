"""One connection that carries many subscriptions: what they share, and what it says of itself.

Each subscription follows its own session as if the socket were its own. What is one for all of
them is the socket: whether it is alive, slow or too old is decided here, once, and so is who fills
it. Those who are live write when there is something to write, as ever; of those who catch up one
does at a time, in the order in which they came, and only when what was written before has drained.
So what waits in memory for a peer that does not read is a stretch and a commit, however many
subscriptions there are, and no catch-up, however long, has more than its turn.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from server import telemetry
from server.events import now
from server.sessions.bye import Bye
from server.sessions.pace import Pace, Verdict
from server.sessions.session import Session
from server.sessions.sink import Encoding, Sink
from server.sessions.subscription import SLOW_ABORT_SECONDS, Subscription


class Carrier:
    """The connection behind ``sink``, whose encoding is that of its own frames."""

    def __init__(self, sink: Sink, heartbeat: float) -> None:
        self.connected = time.monotonic()
        #: Done with the connection's end.
        self.ended: asyncio.Future[Bye] = asyncio.get_running_loop().create_future()
        self._sink = sink
        self._heartbeat = heartbeat
        self._pace = Pace(heartbeat, self.connected)
        self._last_sent = self.connected
        self._readers: dict[Subscription, Session] = {}
        self._turn = asyncio.Lock()
        self._draining: asyncio.Task[None] | None = None
        self._silenced = False  # it has said its bye, or is gone: nothing is sent any more

    # -- what it says

    def open(self) -> None:
        """Say that it stands."""
        self.say({"type": "ready", "protocol": 1, "heartbeat": self._heartbeat, "time": now()})

    def say(self, frame: dict[str, Any]) -> None:
        """Send a frame that is of no session."""
        encoded = self._sink.encoding.control(frame)
        self.write(encoded)
        self._last_sent = time.monotonic()
        telemetry.BYTES_SENT.by_transport[self._sink.transport] += len(encoded)

    def write(self, data: bytes) -> None:
        """Hand ``data`` over, unless the connection has said its last word."""
        if not self._silenced:
            self._sink.write(data)

    # -- its subscriptions

    def lend(self, encoding: Encoding) -> Sink:
        """The socket, for one subscription."""
        return Share(self, self._sink, encoding)

    async def attend(self, session: Session, reader: Subscription) -> None:
        """Count ``reader`` in until it has ended: it does with the connection."""
        self._readers[reader] = session
        if self.ended.done():
            reader.end(self.ended.result())
        try:
            await reader.ended
        finally:
            self._last_sent = max(self._last_sent, reader.last_sent)
            del self._readers[reader]

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait to be the one who catches up, and until what was written before has drained."""
        async with self._turn:
            await self.drain()
            yield

    async def drain(self) -> None:
        """Wait until there is room; raises ConnectionError when the connection is gone."""
        # They all wait for one thing: cancelling one of them must not take it from the others.
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._sink.drain())
            self._draining.add_done_callback(_heard)
        await asyncio.shield(self._draining)

    # -- its end

    def end(self, bye: Bye) -> None:
        """Have every subscription say ``bye`` as soon as the socket takes it; then it ends."""
        if not self.ended.done():
            self.ended.set_result(bye)
            for reader, session in self._readers.items():
                reader.end(bye)
                session.audience.leave(reader)  # nothing comes behind its bye

    def close(self) -> None:
        """Say its own ``bye``, if it is to end by one, and nothing any more."""
        if self.ended.done() and not self._silenced:
            self.say(self.ended.result().frame(None))
        self._silenced = True

    def beat(self, at: float) -> None:
        """What time demands: a heartbeat, or an end for a peer that takes or answers nothing."""
        verdict = self._judge(at)
        if verdict is Verdict.DEAD:
            self._sink.abort()
        elif verdict is Verdict.SLOW and not self._silenced:
            self._cut(Bye("slow"))
        elif self._silent(at) and not self._silenced and not self._sink.backlog():
            self.say({"type": "heartbeat", "time": now()})

    def _judge(self, at: float) -> Verdict:
        if not self._pace.due(at):
            return Verdict.FINE
        return self._pace.judge(at, self._sink.tcp_info(), self._sink.backlog())

    def _silent(self, at: float) -> bool:
        since = at - self._heartbeat
        return self._last_sent <= since and all(each.last_sent <= since for each in self._readers)

    def _cut(self, bye: Bye) -> None:
        for reader in self._readers:
            reader.cut(bye)
        self.end(bye)
        self.close()
        asyncio.get_running_loop().call_later(SLOW_ABORT_SECONDS, self._sink.abort)


class Share:
    """The socket of a carrier as one of its subscriptions has it."""

    __slots__ = (
        "abort",
        "backlog",
        "drain",
        "encoding",
        "owed",
        "send",
        "tcp_info",
        "transport",
        "turn",
        "write",
    )

    shared = True

    def __init__(self, carrier: Carrier, sink: Sink, encoding: Encoding) -> None:
        self.transport = sink.transport
        self.encoding = encoding
        self.write, self.drain, self.turn = carrier.write, carrier.drain, carrier.turn
        self.send, self.backlog, self.owed = sink.send, sink.backlog, sink.owed
        self.abort, self.tcp_info = sink.abort, sink.tcp_info


def _heard(drained: asyncio.Task[None]) -> None:
    # That nobody is left who waits for it is no fault to be reported.
    if not drained.cancelled():
        drained.exception()

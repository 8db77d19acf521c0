"""From the bytes of a child to committed events: decode, commit, acknowledge.

While something of the run is being committed what comes next waits, and soon the socket with it: a
child that emits faster than the store commits is slowed down by its own pipe, and nobody else is.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from msgspec.structs import replace
from structlog.typing import FilteringBoundLogger

from server import failpoints
from server.events import Draft  # noqa: TC001 (not worth an import of its own kind)
from server.records import RunRecord
from server.runs import pipe
from server.runs.commits import Commits
from server.runs.connection import Connection
from server.runs.evidence import Evidence
from server.runs.life import Signal

#: An acknowledgement only tells a child what it may forget; its outcome's does not wait.
ACK_SECONDS = 1.0
#: Between two of them, whosever they are: each wakes a process.
ACK_INTERVAL = 0.01
#: Bytes that wait here for the commit before them: to stop and start a socket at each commit would
#: cost more than to read it. What is more stays in the kernel.
BACKLOG_BYTES = 64 << 10
ACK_AT_ONCE = 256 << 10  # bytes that were committed since the last acknowledgement


log = structlog.get_logger()


class Intake:
    """What one child sends, from its start to its outcome."""

    __slots__ = (
        "_acks",
        "_backlog",
        "_commits",
        "_committed",
        "_connection",
        "_decoder",
        "_held",
        "_log",
        "_open",
        "_over",
        "_paused",
        "_seen",
        "_signal",
        "_tells",
        "_unacknowledged",
        "_waiting",
        "rest",
    )

    def __init__(
        self,
        commits: Commits,
        seen: Evidence,
        signal: Callable[[Signal], None],
        acks: "Acks",
        log: FilteringBoundLogger,
        *,
        last: int = 0,
    ) -> None:
        """``last`` is the number up to which an earlier server committed what came."""
        #: Events that came with the end and go into the log with it.
        self.rest: list[Draft] = []
        self._commits = commits
        self._seen = seen
        self._signal = signal
        self._acks = acks
        self._log = log
        self._tells = log.is_enabled_for(logging.DEBUG)  # asked once: it is for every event
        self._decoder = pipe.Decoder(commits.record.id, last)
        self._connection: Connection | None = None
        self._backlog: list[bytes] = []
        self._waiting = 0  # bytes in the backlog
        self._held = 0  # bytes that were taken and are not committed
        self._paused = False
        self._open = False
        self._over = False
        self._committed = last
        self._unacknowledged = 0

    @property
    def committed(self) -> int:
        """The highest number that is known to be committed."""
        return self._committed

    def connect(self, connection: Connection) -> None:
        """The stream to read from, to slow down, and to acknowledge on.

        Call it before the stream is attached. What is left of the one before is taken first: its
        process may die before it could say it again.
        """
        before, self._connection = self._connection, connection
        if before is not None:
            rest = b"".join([*self._backlog, before.drain()])
            self._backlog.clear()
            self._waiting, self._paused = 0, False
            if rest and self._open and not self._over:
                self._take(rest)
        self._decoder.start_over()

    def open(self) -> None:
        """The run was let start: what comes counts from now on."""
        self._open = True
        self.go_on()

    def received(self, data: bytes) -> None:
        """Take what was read from the socket."""
        if self._over:
            return
        if not self._open or (self._commits.flying and not self._looks_ahead):
            self._backlog.append(data)
            self._waiting += len(data)
            if self._waiting > BACKLOG_BYTES and not self._paused and self._connection is not None:
                self._paused = True
                self._connection.pause()
        else:
            self._take(data)

    def go_on(self) -> None:
        """Nothing is being committed, or the store refuses: take what has waited."""
        if not self._backlog or not self._open or self._over:
            return
        if not self._commits.flying or self._looks_ahead:
            data = b"".join(self._backlog)
            self._backlog.clear()
            self._waiting = 0
            if self._paused and self._connection is not None:
                self._paused = False
                self._connection.resume()
            self._take(data)

    @property
    def _looks_ahead(self) -> bool:
        # While the store refuses, the next bytes may be the outcome, which it would not refuse.
        return self._commits.refused and self._held < BACKLOG_BYTES

    def drain(self) -> None:
        """The process is gone: decode all that it left, however long the store may take."""
        if self._open and not self._over and self._connection is not None:
            data = b"".join([*self._backlog, self._connection.drain()])
            self.rest = self._decode(data).drafts
            self._over = True
        self._backlog.clear()

    def acknowledge(self) -> None:
        """Tell the child how far the log has come."""
        failpoints.passed("ack.before_send")
        self._unacknowledged = 0
        if self._connection is not None:
            self._connection.write(pipe.ack(self._committed))

    def _take(self, data: bytes) -> None:
        batch = self._decode(data)
        if self._over:
            self.rest = batch.drafts
            self._signal(Signal.BREACH if batch.breach is not None else Signal.OUTCOME)
        elif batch.drafts:
            last = self._decoder.last
            change = _asking(batch.asked) if batch.asked else None
            self._held += len(data)
            self._commits.put(batch.drafts, partial(self._landed, last, len(data)), change)

    def _decode(self, data: bytes) -> pipe.Batch:
        batch = self._decoder.feed(data)
        for text in batch.words:
            self._seen.heard(text.encode() + b"\n")
        self._seen.outcome, self._seen.breach = batch.outcome, batch.breach
        self._over = batch.outcome is not None or batch.breach is not None
        if self._tells:
            for draft in batch.drafts:
                self._log.debug("Attempting to emit event to session", type=draft.type, n=draft.n)
        return batch

    def _landed(self, last: int, size: int, _error: Exception | None) -> None:
        failpoints.passed("commit.before_ack")
        self._committed = last
        self._held -= size
        self._unacknowledged += size
        if self._unacknowledged >= ACK_AT_ONCE:
            self.acknowledge()
        else:
            self._acks.later(self)


def _asking(asked: dict[str, Any]) -> Callable[[RunRecord], RunRecord]:
    return lambda record: replace(record, asking={**record.asking, **asked})


class Acks:
    """Acknowledgements of all runs, gathered for a while and sent one by one.

    Each costs more than an event does, since it wakes a process. So there are not more of them the
    more runs there are: with a thousand each waits ten seconds, or until it is due at once.
    """

    def __init__(self) -> None:
        self._due: dict[Intake, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def later(self, intake: Intake) -> None:
        """Acknowledge soon."""
        self._due[intake] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ACK_SECONDS, self._send_one)

    def _send_one(self) -> None:
        intake = next(iter(self._due))
        del self._due[intake]
        # Before it is called: one that fails must not be the last that was acknowledged.
        again = asyncio.get_running_loop().call_later
        self._timer = again(ACK_INTERVAL, self._send_one) if self._due else None
        try:
            intake.acknowledge()
        except Exception:
            log.exception("A run could not be acknowledged")

    def close(self) -> None:
        """Forget what is due."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()

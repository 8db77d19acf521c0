"""What one run wants kept, committed in order, one append at a time.

While an append is in flight nothing else is sent, so a record is always made from the last one that
is known to be durable. What must not be lost (events that came off the pipe, a terminal event) is
tried again until the store takes it: its numbers make a repetition harmless. What somebody waits
for (a cancel, an answer) is tried once, and the refusal is theirs to hear.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from server.errors import StoreUnavailable
from server.events import Draft, Event
from server.records import Append, RunRecord

RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)  # the last one for all further attempts

Change = Callable[[RunRecord], RunRecord]
Then = Callable[[Exception | None], None]

log = structlog.get_logger()


class Job(NamedTuple):
    """Drafts and a change of the record that go together; ``then`` hears how it went."""

    drafts: Sequence[Draft]
    change: Change | None
    then: Then
    lasting: bool  # tried until it works


class Commits:
    """The way of one run into the log."""

    def __init__(self, append: Append, record: RunRecord, idle: Callable[[], None]) -> None:
        self.record = record  # as last committed
        self.events = 0  # that were committed
        self._idle = idle  # called whenever nothing is on its way any more
        self._append = append
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[Job] = deque()
        self._flying: Job | None = None
        self._next: RunRecord | None = None
        self._failures = 0
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        return self._flying is not None

    def put(
        self,
        drafts: Sequence[Draft],
        then: Then,
        change: Change | None = None,
        *,
        lasting: bool = True,
    ) -> None:
        """Take a job; ``then(None)`` is called when it is durable, from the loop."""
        self._jobs.append(Job(drafts, change, then, lasting))
        if self._flying is None:
            self._fly(self._jobs.popleft())

    async def wait_for(
        self, drafts: Sequence[Draft], change: Change | None, kept: Callable[[], None]
    ) -> None:
        """Commit for somebody who waits; raises :class:`StoreUnavailable`, then nothing is kept.

        ``kept`` is called when it is durable, also when nobody waits any more.
        """
        done: asyncio.Future[None] = self._loop.create_future()

        def then(error: Exception | None) -> None:
            if error is None:
                kept()
            if not done.done():
                done.set_exception(error) if error else done.set_result(None)

        self.put(drafts, then, change, lasting=False)
        await done

    def close(self) -> None:
        """Try nothing again; for a server that leaves."""
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()

    def _fly(self, job: Job) -> None:
        self._flying = job
        self._next = job.change(self.record) if job.change else None
        self._send(job)

    def _send(self, job: Job) -> None:
        run = self.record
        try:
            future = self._append(run.session, job.drafts, producer=run.id, record=self._next)
        except Exception as error:  # noqa: BLE001 (a bug elsewhere must not leave a run endless)
            future = self._loop.create_future()
            future.set_exception(error)
        future.add_done_callback(self._landed)

    def _landed(self, future: "asyncio.Future[Sequence[Event]]") -> None:
        job = self._flying
        assert job is not None
        error = _error_of(future)
        if error is None:
            self._failures = 0
            self.events += len(future.result())
            if self._next is not None:
                self.record = self._next
        elif job.lasting:
            self._again(job, error)
            return
        self._flying = None
        job.then(error)
        if self._jobs and self._flying is None:
            self._fly(self._jobs.popleft())
        if self._flying is None:
            self._idle()

    def _again(self, job: Job, error: Exception) -> None:
        if self._closed:
            return
        wait = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
        if self._failures == 0:
            log.warning(
                "The store refuses events: they are kept and tried again",
                session=self.record.session,
                run=self.record.id,
                events=len(job.drafts),
                error=str(error),
                exc_info=None if isinstance(error, StoreUnavailable) else error,
            )
        self._failures += 1
        self._retry = self._loop.call_later(wait, self._send, job)


def _error_of(future: "asyncio.Future[Sequence[Event]]") -> Exception | None:
    if future.cancelled():
        return StoreUnavailable("the event log is closed")
    error = future.exception()
    return error if error is None or isinstance(error, Exception) else RuntimeError(repr(error))

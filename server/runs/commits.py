"""What one run wants kept, committed in order, one append at a time.

While an append is in flight nothing else is sent, so a record is always made from the last one that
is known to be durable. What comes while the store refuses goes with the next attempt, all in one
append. What must not be lost (events that came off the pipe, a terminal event) is
tried again until the store takes it: its numbers make a repetition harmless. What somebody waits
for (a cancel, an answer) is tried once, and the refusal is theirs to hear.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import structlog

from server.errors import StoreUnavailable
from server.events import Draft, Event
from server.records import Append, RunRecord

RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)  # the last one for all further attempts

Change = Callable[[RunRecord], RunRecord]
Told = Callable[[Exception | None], None]

log = structlog.get_logger()


class Job(msgspec.Struct, frozen=True, eq=False):
    """Drafts and a change of the record that go together; ``then`` hears how it went."""

    drafts: Sequence[Draft]
    change: Change | None
    then: Told
    lasting: bool  # tried until it works


class Commits:
    """The way of one run into the log."""

    __slots__ = (
        "_append",
        "_closed",
        "_failures",
        "_idle",
        "_jobs",
        "_loop",
        "_next",
        "_retry",
        "events",
        "flying",
        "record",
    )

    def __init__(
        self, append: Append, record: RunRecord, idle: Callable[[], None], *, events: int = 0
    ) -> None:
        self.record = record  # as last committed
        self.events = events  # that were committed
        self._idle = idle  # called when nothing is on its way any more, and when the store refuses
        self._append = append
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[Job] = deque()
        #: One append that is on its way; more jobs than one only after a refusal.
        self.flying: list[Job] = []
        self._next: RunRecord | None = None
        self._failures = 0
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def refused(self) -> bool:
        """Whether what is on its way waits for the next attempt: more may go with it."""
        return self._retry is not None

    def put(
        self,
        drafts: Sequence[Draft],
        then: Told,
        change: Change | None = None,
        *,
        lasting: bool = True,
    ) -> None:
        """Take a job; ``then(None)`` is called when it is durable, from the loop."""
        job = Job(drafts, change, then, lasting)
        if not (self.flying or self._jobs):
            self.flying = [job]
            self._send()
            return
        self._jobs.append(job)
        if self._retry is not None and change is not None:
            # A store without room takes what ends a run, and only with what comes before that.
            self._retry.cancel()
            self._try_again()

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

    def _try_again(self) -> None:
        self._retry = None
        self.flying += self._jobs
        self._jobs.clear()
        self._send()

    def _send(self) -> None:
        run, jobs = self.record, self.flying
        try:
            if len(jobs) == 1 and jobs[0].change is None and not self._failures:
                drafts, self._next = jobs[0].drafts, None  # nearly always
            else:
                drafts, self._next = [d for job in jobs for d in job.drafts], self._changed(run)
            self._append(run.session, drafts, self._landed, producer=run.id, record=self._next)
        except Exception as error:  # noqa: BLE001 (a bug elsewhere must not leave a run endless)
            self._loop.call_soon(self._landed, (), error)

    def _changed(self, record: RunRecord) -> RunRecord | None:
        """The record as it is to be; None if no job changes it."""
        changed = False
        for job in self.flying:
            if job.change is not None:
                record, changed = job.change(record), True
        # By its record the store knows a run that was told to end, and keeps room for it.
        return record if changed or (self._failures and record.cancel is not None) else None

    def _landed(self, events: Sequence[Event], error: Exception | None) -> None:
        jobs, self.flying = self.flying, []
        if error is None:
            self._failures = 0
            self.events += len(events)
            if self._next is not None:
                self.record = self._next
        else:
            self.flying = [job for job in jobs if job.lasting]
            jobs = [job for job in jobs if not job.lasting]
            if self.flying:
                self._again(error)
        for job in jobs:
            job.then(error)
        if self._jobs and not self.flying:
            self.flying = [self._jobs.popleft()]
            self._send()
        if not self.flying or self._retry is not None:
            self._idle()

    def _again(self, error: Exception) -> None:
        if self._closed:
            return
        wait = RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS) - 1)]
        if self._failures == 0:
            log.warning(
                "The store refuses events: they are kept and tried again",
                session=self.record.session,
                run=self.record.id,
                events=sum(len(job.drafts) for job in self.flying),
                error=str(error),
                exc_info=None if isinstance(error, StoreUnavailable) else error,
            )
        self._failures += 1
        self._retry = self._loop.call_later(wait, self._try_again)

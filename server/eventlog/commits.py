"""From ``submit`` to the disk: one transaction at a time, each with all that waited for it.

::

   draw ──▶ look up ──▶ number (Group) ──▶ commit ──▶ apply, answer ──▶ wake
   feeds    unknown      on the loop       a thread   visible            while the next one commits
            sessions

Between two commits the feeds are drawn from: what is being said meanwhile waits where it is, and
goes into the next group at once. To take it as it comes would be a turn of the loop for each piece.

Offsets are given out only while nothing is under way, from what is committed; so a failed commit
takes back nothing but its own group, and there is no second, tentative truth. The thread does
nothing but SQLite's work: were it to run much Python, it would wait for the interpreter's lock,
which a busy loop gives up every few milliseconds only.
"""

import asyncio
import copy
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from time import monotonic
from typing import TypeVar

import structlog

from server import failpoints, telemetry
from server.errors import KeepstreamError, StoreDamaged, StoreUnavailable
from server.eventlog import journal, rows
from server.eventlog.checkpoint import Checkpoints, copy_rest
from server.eventlog.duress import Claim, Fault, NoRoom
from server.eventlog.feeds import Feeds
from server.eventlog.gate import Bell, done
from server.eventlog.group import Append, Group
from server.eventlog.mending import MEND_SECONDS, Mending, claim_of
from server.eventlog.numbering import Numbering, Wanted
from server.eventlog.packing import Packing, Step
from server.eventlog.recovery import Recovered
from server.eventlog.tail import Tail
from server.eventlog.threads import ConnectionThread
from server.eventlog.waiting import Removal, Request, Waiting
from server.eventlog.watchers import Watchers

#: How long commits may follow one another with nobody else on the loop between them.
ALONE_SECONDS = 0.004

#: How long nothing has come before packing has a commit of its own, for which who comes then waits.
CALM_SECONDS = 0.01

log = structlog.get_logger()

T = TypeVar("T")


class Commits:
    """The one who writes. ``tails`` has the sessions with events that are not packed yet."""

    def __init__(
        self,
        writer: ConnectionThread,
        checkpoints: Checkpoints,
        packing: Packing,
        found: Recovered,
        *,
        watchers: Watchers,
        mending: Mending,
        calm_seconds: float = CALM_SECONDS,
    ) -> None:
        self.tails = found.tails
        self.releases = 0  # how often tails were let go: what a reader compares
        self._numbering = Numbering(found, self._find)
        self._writer = writer
        self._checkpoints = checkpoints
        self._packing = packing
        self._watchers = watchers
        self._mending = mending
        self._duress = mending.duress
        self._sweeping = True
        self._tidy = True  # nothing that can wait has failed
        self._waiting = Waiting()
        self._feeds = Feeds()
        self._untold: Group | None = None  # committed, and nobody was woken yet
        self._yield_at = 0.0
        self._calm_seconds = calm_seconds
        self._calm_at = 0.0
        self._looking: asyncio.TimerHandle | None = None  # whether it is calm
        self._bell = Bell()
        self._closing = False
        self._running = asyncio.create_task(self._run())

    def submit(self, request: Request) -> None:
        """Take a request; how it went is told through its ``tell``, later."""
        if self._closing:
            self._refuse(request, StoreUnavailable("the event log is closed"))
        elif self._duress.healthy or not self._refused(request):
            self._waiting.put(request)
            self._bell.ring_soon()

    def feed(self, descriptor: int, turn: Callable[[], None]) -> AbstractContextManager[None]:
        """See :meth:`server.eventlog.EventLog.feed`."""
        return self._feeds.open(descriptor, turn, self._bell.ring)

    async def close(self) -> None:
        """Commit what waits, and end."""
        self._closing = True
        self._bell.ring_soon()
        await self._running
        if self._looking is not None:
            self._looking.cancel()
        await self._checkpoints.close()

    # -- the loop

    async def _run(self) -> None:
        while True:
            # Cleared before looking: what comes while something is awaited is looked at next.
            self._bell.clear()
            if not self._waiting.full:
                self._feeds.draw()
            if not self._waiting or not self._duress.healthy:
                self._tell()
            if not self._duress.healthy:
                await self._mend()
            if self._waiting:
                await self._serve()
            elif self._closing:
                await self._pack_all()
                return
            elif not await self._keep_house(idle=True):
                self._feeds.watch()
                await self._bell.wait()

    async def _serve(self) -> None:
        taken = self._waiting.take()
        if isinstance(taken, Removal):
            await self._remove(taken)
        else:
            await self._commit(taken)
        self._calm_at = monotonic() + self._calm_seconds
        await self._keep_house(idle=False)

    # -- appends

    async def _commit(self, appends: list[Append]) -> None:
        try:
            group, new = await self._numbering.group(appends)
            await self._make_durable(group, new)
        except Exception as error:  # noqa: BLE001 - nobody may be left waiting for ever
            again = await self._mending.rescue(appends, error, self._packing.backlog.end)
            saved = {id(append) for few in again for append in few}
            self._fail([append for append in appends if id(append) not in saved], error)
            for few in again:
                await self._commit(few)

    async def _find(self, wanted: Wanted) -> dict[tuple[str, str], rows.Found]:
        return await self._meanwhile(self._writer.submit(rows.find, wanted))

    async def _make_durable(self, group: Group, new: dict[str, Tail]) -> None:
        body = journal.encode(entry for _, entry in group.answers if entry.events)
        statements = self._statements(group, new, body)
        weight = len(body), len(group.answers)
        healthy = self._duress.healthy
        step = self._packing.ride(self.tails.values(), *weight) if healthy else None
        await self._write(statements, step)
        failpoints.passed("commit.before_send")
        self._tell()  # a group with nothing new goes to no disk, and so told of none before it
        group.apply(self.tails)
        self._packing.grew(*weight)
        telemetry.EVENTS_APPENDED.inc(group.count)
        self._untold = group
        group.answer()

    async def _write(self, statements: list[rows.Statement], step: Step | None) -> None:
        """One transaction: ``statements`` and a step of packing."""
        every = [*statements, *step.statements] if step else statements
        if not every and not step:
            return
        try:
            seconds, pages = await self._meanwhile(self._writer.submit(rows.commit, every))
        except KeepstreamError as error:
            if not step:
                raise
            # What can wait must not fail what cannot.
            self._rest(error)
            await self._write(statements, None)
            return
        telemetry.COMMIT_SECONDS.observe(seconds)
        self._checkpoints.committed(pages)
        if step:
            self._tidy = True
            if self._packing.applied(step):
                self._release()

    def _release(self) -> None:
        """Let go of the tails that are packed to their ends."""
        for session in [id_ for id_, tail in self.tails.items() if tail.idle]:
            del self.tails[session]
        self.releases += 1

    def _statements(self, group: Group, new: dict[str, Tail], body: bytes) -> list[rows.Statement]:
        stages = group.stages.values()
        sessions = [
            rows.session_row(stage)
            for stage in stages
            if stage.status != stage.tail.status or stage.tail.record.id in new
        ]
        runs = [rows.run_row(*run) for run in group.runs.values()]
        position = self._packing.backlog.end + 1
        entries = [(position, journal.checksum(body, position), body)] if body else []
        every = (
            (rows.UPSERT_SESSION, sessions),
            (rows.UPSERT_RUN, runs),
            (rows.INSERT_JOURNAL, entries),
        )
        return [(sql, values) for sql, values in every if values]

    async def _meanwhile(self, work: Future[T]) -> T:
        """Wait for ``work``, which has begun; the time is used to tell of the last group.

        Work that is done by then is not waited for: a turn of the loop would cost more than a
        small commit. The others on the loop have their turn every few milliseconds.
        """
        self._tell()
        if work.done() and monotonic() < self._yield_at:
            return work.result()
        result = await done(work)
        self._yield_at = monotonic() + ALONE_SECONDS
        return result

    def _tell(self) -> None:
        group, self._untold = self._untold, None
        if group is not None:
            self._watchers.wake(group.stages)

    def _fail(self, appends: list[Append], error: Exception) -> None:
        """Fail ``appends`` and those that wait behind them for the same sessions."""
        if not isinstance(error, NoRoom | Fault | StoreDamaged):  # which were told as they began
            log.error("The event log cannot commit", error=str(error), appends=len(appends))
        for append in [*appends, *self._waiting.behind(appends)]:
            append.tell((), _copy(error))
        if not self._duress.healthy:
            self._waiting.keep(lambda request: not self._refused(request))

    # -- duress

    def _refused(self, request: Request) -> bool:
        """Whether ``request`` is not to be tried now; it has heard so then."""
        wanted = claim_of(request) if isinstance(request, Append) else Claim.ALL
        refusal = self._duress.refusal(wanted)
        if refusal is not None:
            self._refuse(request, refusal)
        return refusal is not None

    def _refuse(self, request: Request, error: Exception) -> None:
        asyncio.get_running_loop().call_soon(request.tell, (), error)

    async def _mend(self) -> None:
        await self._mending.mend(self._packing.backlog.end)
        if not self._duress.healthy:
            asyncio.get_running_loop().call_later(MEND_SECONDS, self._bell.ring_soon)

    # -- removals

    async def _remove(self, removal: Removal) -> None:
        session = removal.session
        try:
            removed = await self._meanwhile(self._writer.submit(rows.remove, session))
        except Exception as error:  # noqa: BLE001 - as in _commit
            await self._mending.rescue([], error, self._packing.backlog.end)
            removal.tell(False, _copy(error))
            return
        self._mending.damage.forget(session)
        tail = self.tails.pop(session, None)
        if tail is not None:
            tail.clear()
        self._sweeping = True
        removal.tell(removed)
        self._watchers.wake([session])

    # -- what can wait

    async def _keep_house(self, *, idle: bool) -> bool:
        """Do one thing of those that can wait; False if there is none, or not now."""
        if self._packing.resting or not self._duress.healthy:
            return False
        try:
            if self._checkpoints.rest_due:
                self._checkpoints.rest_due = False
                await self._meanwhile(self._writer.submit(copy_rest))
                return True
            if self._sweeping:
                self._sweeping = await self._meanwhile(self._writer.submit(rows.sweep))
                return True
            return idle and self._calm() and await self._pack()
        except Exception as error:  # noqa: BLE001 - appends must go on, or fail by themselves
            self._rest(error)
            return False

    def _calm(self) -> bool:
        """Whether nothing has come for a while; if not, it will be looked again."""
        left = self._calm_at - monotonic()
        if left > 0 and self._looking is None and self._packing.pending:
            self._looking = asyncio.get_running_loop().call_later(left, self._look)
        return left <= 0

    def _look(self) -> None:
        self._looking = None
        self._bell.ring()

    async def _pack(self) -> bool:
        """A step of packing in a transaction of its own; False if there is none."""
        step = self._packing.step(self.tails.values())
        if step is not None:
            await self._write([], step)
        return step is not None

    async def _pack_all(self) -> None:
        """So that the next start has nothing to bring into memory."""
        self._packing.close()
        try:
            while self._duress.healthy and await self._pack():
                pass
        except Exception as error:  # noqa: BLE001 - the journal has it all, and is read as after a kill
            self._rest(error)

    def _rest(self, error: Exception) -> None:
        """Leave what can wait for later: a full disk is not to be asked at every commit."""
        if isinstance(error, StoreDamaged):
            self._mending.damage.note(error)
        if self._tidy:
            self._tidy = False
            log.warning("The event log could not be tidied up", error=str(error))
        self._packing.failed()
        asyncio.get_running_loop().call_later(self._packing.resting + 0.01, self._bell.ring_soon)


def _copy(error: Exception) -> KeepstreamError:
    """``error`` for one caller: an exception that several raise collects all their traces."""
    if isinstance(error, KeepstreamError):
        return copy.copy(error)
    return StoreUnavailable(f"the event log failed: {error!r}")

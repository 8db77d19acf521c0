"""One run: the shell that puts into effect what :mod:`server.runs.life` decides."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog
from msgspec.structs import replace

from server import failpoints
from server.errors import KeepstreamError
from server.events import draft, server_draft
from server.records import RunRecord
from server.runs import changes, pipe
from server.runs.adoption import OPEN_DOORS, greeting, lines, time_left
from server.runs.answers import Answers
from server.runs.body import Body
from server.runs.commits import Commits
from server.runs.connection import Connection
from server.runs.evidence import Evidence, verdict
from server.runs.house import House, Owner
from server.runs.intake import Intake
from server.runs.life import (
    ANSWERABLE,
    CANCELLABLE,
    UNSAID,
    Action,
    ImpossibleError,
    Signal,
    State,
    step,
)
from server.runs.process import boot_id, since_boot
from server.runs.tally import Tally
from server.runs.timers import Timers


class Child:
    """A run from its acceptance until its terminal event is committed and its process gone.

    ``last`` is the number of the last line that an earlier server committed for it.
    """

    def __init__(self, record: RunRecord, house: House, owner: Owner, last: int = 0) -> None:
        self.id = record.id
        self.state = State.QUEUED
        self.log = structlog.get_logger().bind(session=record.session, run=record.id)
        self._house = house
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._seen = Evidence(seconds=record.timeout, cancel=record.cancel)
        # Its own lines, and of the server's the start and what answered it.
        before = last + 1 + len(record.answers) if record.start_given else 0
        self._commits = Commits(house.append, record, self._go_on, events=before)
        self._intake = Intake(
            self._commits, self._seen, self.signal, house.acks, self.log, last=last
        )
        self.received = self._intake.received  # what its process sends
        self._body = Body(record, house)
        self._timers = Timers(house.grace, self.overdue, self._out_of_time)
        self._answers = Answers(self._commits, self._body.send)
        self._asking: Sequence[str] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tally = Tally(record)
        self._left = False  # to the next server

    @property
    def record(self) -> RunRecord:
        """As last committed. That it is ``starting`` only this server knows, and needs to."""
        record = self._commits.record
        starting = self.state in {State.STARTING, State.ADMITTING}
        if starting and record.state == "queued":
            return replace(record, state="starting")
        return record

    def _go_on(self) -> None:
        self._intake.go_on()

    def enter(self) -> None:
        """It is one of the active runs from now on."""
        self._tally.count(self.state)

    # What is asked of it.

    async def accept(self) -> None:
        """Commit its first event and its record; raises :class:`StoreUnavailable`."""
        record = self._commits.record
        data = {"workflow": record.workflow, "input": record.input}
        first = [server_draft("run_start", self.id, data)]
        await self._commits.wait_for(first, lambda record: record, self._accepted)

    def _accepted(self) -> None:
        self.log.info("Launching workflow task", workflow=self._commits.record.workflow)
        self._owner.accepted(self)

    async def cancel(self, reason: str) -> None:
        """Have it end; raises :class:`StoreUnavailable`, and then it goes on."""
        if self.state in CANCELLABLE and self._commits.record.cancel is None:
            await self._commits.wait_for(
                [], lambda record: replace(record, cancel=reason), self.cancelled
            )

    def cancelled(self) -> None:
        """Its cancel is committed."""
        if self.state in CANCELLABLE:
            self._seen.cancel = self._commits.record.cancel
            self.signal(Signal.CANCEL)

    async def answer(self, request: str, value: Any) -> None:
        """Commit an answer and send it; raises NotPending, InvalidInput, StoreUnavailable."""
        await self._answers.take(request, value, open_=self.state in ANSWERABLE)

    def knock(self, connection: Connection, hello: pipe.Hello) -> None:
        """Let in the process that was started for this run, as often as it comes; nobody else."""
        if self.state not in OPEN_DOORS:
            connection.refuse()
        elif self._body.believe(connection, hello):
            self._asking = hello.asking
            self._intake.connect(connection)
            self._body.attach(connection, self)
            self.signal(Signal.HELLO)
            self._remind()

    def _remind(self) -> None:
        # What came while it was out of reach only hurried the wait for it.
        if self.state is State.RUNNING and self._seen.cancel is not None:
            self.signal(Signal.CANCEL)
        elif self.state is State.RUNNING and self._seen.timed_out:
            self.signal(Signal.TIMEOUT)

    def overdue(self) -> None:
        """What was waited for did not come, or is waited for no more."""
        self._seen.killed |= self.state in UNSAID
        self.signal(Signal.OVERDUE)

    # Receiver.

    def hung_up(self) -> None:
        """Its process has closed the stream, or lost it."""
        self.signal(Signal.HANGUP)

    # The table's effects.

    def signal(self, signal: Signal) -> None:
        """Look up what happened, and do what the table says."""
        if self._left:
            return
        try:
            self.state, actions = step(self.state, signal)
        except ImpossibleError:
            self.log.exception("A run was told what cannot be", signal=signal.name)
            return
        self._tally.count(self.state)
        for action in actions:
            _EFFECTS[action](self)

    def _launch(self) -> None:
        self._body.buried = False
        self._spawn(self._start_process())

    async def _start_process(self) -> None:
        try:
            await self._body.launch(self.record.workflow, self._died, self._too_much)
        except (KeepstreamError, OSError, EOFError) as error:
            self._seen.failure = str(error)
            self.signal(Signal.DEATH)
            return
        failpoints.passed("fork.before_record")
        if self.state is State.STARTING:
            self._timers.expect_hello()
        for connection, hello in self._body.early():
            self.knock(connection, hello)

    def _died(self) -> None:
        self.signal(Signal.DEATH)

    def _too_much(self) -> None:
        self._seen.limit = self._body.exceeded()
        self.signal(Signal.OVERDUE)

    def _adopt(self) -> None:
        record = self._commits.record
        self._seen.admitted = self._seen.lost = True
        self._body.buried = False
        self._body.adopt(record, self._died, self._too_much)
        self._timers.wind(self._house.patience)
        if record.cancel is not None:
            self._timers.hurry()
        self._timers.limit(time_left(record, boot_id(), since_boot()))
        self._intake.open()

    def _admit(self) -> None:
        self._commits.put([], lambda _: self.signal(Signal.ADMITTED), self._body.admit)

    def _start(self) -> None:
        failpoints.passed("record.before_start")
        record = self._commits.record
        self._seen.admitted = True
        self.log.info("Multi-Agent Workflow Starting", workflow=record.workflow, pid=record.pid)
        self._timers.limit(record.timeout)
        self._body.send(pipe.welcome(0) + pipe.start(record.workflow, record.input))
        self._intake.open()
        failpoints.passed("start.after")

    def _welcome(self) -> None:
        if not self._seen.admitted:
            return
        record = self._commits.record
        late = self._seen.timed_out
        hears = greeting(record, self._intake.committed, self._asking, timed_out=late)
        self._body.send(lines(hears, record))
        if self._seen.lost:
            self._seen.lost = False
            self.log.info("Run found again", pid=record.pid, ack=hears.ack)

    def _out_of_time(self) -> None:
        self._seen.timed_out = self.state in {State.RUNNING, State.AWAITED}
        self.signal(Signal.TIMEOUT)

    def _ask(self) -> None:
        self._timers.give_grace()
        self._body.send(pipe.cancel(self._seen.cancel or "timeout"))

    def _free(self) -> None:
        self._timers.unwind()
        self._owner.freed(self)

    def _collect(self) -> None:
        self._intake.drain()
        self._spawn(self._learn_of_death())

    async def _learn_of_death(self) -> None:
        self._seen.exit_code, words = await self._body.bury()
        self._seen.heard(words)
        self.signal(Signal.COLLECTED)
        self._leave_if_over()

    def _conclude(self) -> None:
        failpoints.passed("outcome.before_commit")
        self._timers.stop()
        self._seen.limit = self._body.exceeded()
        final = verdict(self._seen)
        n = self._seen.outcome.n if self._seen.outcome is not None else 0
        terminal = draft(final.type, self.id, final.data, n=n)
        self._commits.put(
            [*self._intake.rest, terminal],
            lambda _: self.signal(Signal.COMMITTED),
            lambda record: changes.ended(record, final),
        )

    def _leave(self) -> None:
        failpoints.passed("outcome.before_ack")
        if self._seen.outcome is not None:
            self._body.send(pipe.ack(self._seen.outcome.n))
        if not self._body.buried:
            self._timers.give_grace()
        self._tally.ended(self.log, self._commits)
        self._leave_if_over()

    def _leave_if_over(self) -> None:
        if self._body.buried and self.state is State.ENDED:
            self._owner.over(self)

    # Small matters.

    @property
    def concluding(self) -> bool:
        """Whether its terminal event is on its way."""
        return self.state in {State.DYING, State.ENDING}

    def let_go(self) -> None:
        """Leave nothing open; a process that was let start lives on. For a server that exits."""
        if self.state is State.STARTING:
            self._body.kill()  # its start is not given: the next server will start another
        self._timers.stop()
        for task in self._tasks:
            task.cancel()
        self._commits.close()
        self._body.let_go()
        self._left, self.state = True, State.ENDED
        self._tally.count(self.state)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_EFFECTS: dict[Action, Callable[[Child], None]] = {
    Action.LAUNCH: Child._launch,
    Action.ADOPT: Child._adopt,
    Action.UNWIND: lambda child: child._timers.unwind(),
    Action.ADMIT: Child._admit,
    Action.START: Child._start,
    Action.WELCOME: Child._welcome,
    Action.HURRY: lambda child: child._timers.hurry(),
    Action.ASK: Child._ask,
    Action.EXPECT: lambda child: child._timers.expect_death(),
    Action.KILL: lambda child: child._body.kill(),
    Action.FREE: Child._free,
    Action.COLLECT: Child._collect,
    Action.CONCLUDE: Child._conclude,
    Action.LEAVE: Child._leave,
}

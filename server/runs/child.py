"""One run: the shell that puts into effect what :mod:`server.runs.life` decides."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Protocol

import structlog
from msgspec.structs import replace

from server import telemetry
from server.errors import InvalidInput, KeepstreamError, NotPending
from server.events import draft, now, server_draft
from server.records import RunRecord
from server.runs import pipe, schema
from server.runs.body import Body
from server.runs.commits import Commits
from server.runs.connection import Connection
from server.runs.evidence import Evidence, Verdict, verdict
from server.runs.house import House
from server.runs.intake import Intake
from server.runs.life import Action, ImpossibleError, Signal, State, step

HELLO_SECONDS = 30.0
HANGUP_SECONDS = 3.0

#: What operators and clients are told; a state that is not here keeps the word of the one before.
WORDS = {State.QUEUED: "queued", State.STARTING: "starting", State.RUNNING: "running"}


class Owner(Protocol):
    """Who keeps the places."""

    def accepted(self, child: "Child") -> None:
        """Its first event is committed: it may have a place."""

    def freed(self, child: "Child") -> None:
        """Its process is gone: the place is the next one's."""

    def over(self, child: "Child") -> None:
        """Its terminal event is committed and its process gone."""


class Child:
    """A run from its acceptance until its terminal event is committed and its process gone."""

    def __init__(self, record: RunRecord, house: House, owner: Owner) -> None:
        self.id = record.id
        self.state = State.QUEUED
        self.log = structlog.get_logger().bind(session=record.session, run=record.id)
        self._house = house
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._seen = Evidence(seconds=record.timeout)
        self._commits = Commits(house.append, record, self._go_on)
        self._intake = Intake(self._commits, self._seen, self.signal, house.acks, self.log)
        self._body = Body(record.id, house)
        self._answering: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._began = time.monotonic()
        self._word = ""

    @property
    def record(self) -> RunRecord:
        """As last committed. That it is ``starting`` only this server knows, and needs to."""
        record = self._commits.record
        if self.state is State.STARTING and record.state == "queued":
            return replace(record, state="starting")
        return record

    def _go_on(self) -> None:
        self._intake.go_on()

    def enter(self) -> None:
        """It is one of the active runs from now on."""
        self._count()

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
        if self._may_be_cancelled and self._commits.record.cancel is None:
            await self._commits.wait_for(
                [], lambda record: replace(record, cancel=reason), self.cancelled
            )

    def cancelled(self) -> None:
        """Its cancel is committed."""
        if self._may_be_cancelled:
            self._seen.cancel = self._commits.record.cancel
            self.signal(Signal.CANCEL)

    @property
    def _may_be_cancelled(self) -> bool:
        return self.state in {State.QUEUED, State.STARTING, State.RUNNING}

    async def answer(self, request: str, value: Any) -> None:
        """Commit an answer and send it; raises NotPending, InvalidInput, StoreUnavailable."""
        asking = self._commits.record.asking
        pending = self.state in {State.RUNNING, State.STOPPING} and request in asking
        if not pending or request in self._answering:
            raise NotPending(f"run {self.id} is not waiting for an answer to {request!r}")
        if asking[request] is not None:
            schema.check(asking[request], value, "value")
        line = pipe.answer(request, value)
        if len(line) > pipe.LINE_LIMIT:
            raise InvalidInput("the answer is longer than 1 MiB", path="value")
        received = server_draft("input_received", self.id, {"request": request, "value": value})
        self._answering.add(request)
        try:
            await self._commits.wait_for(
                [received],
                lambda record: _answered(record, request, value),
                lambda: self._body.send(line),
            )
        finally:
            self._answering.discard(request)

    def knock(self, connection: Connection, hello: pipe.Hello) -> None:
        """Let in the process that was started for this run, once; nobody else."""
        if self.state is not State.STARTING:
            connection.refuse()
        elif self._body.believe(connection, hello, self):
            self._intake.connect(connection)
            self.signal(Signal.HELLO)

    def overdue(self) -> None:
        """What was waited for did not come, or is waited for no more."""
        self._seen.killed |= self.state in {State.STARTING, State.RUNNING, State.STOPPING}
        self.signal(Signal.OVERDUE)

    # Receiver.

    def received(self, data: bytes) -> None:
        """Take what its process sent."""
        self._intake.received(data)

    def hung_up(self) -> None:
        """Its process has closed the stream, or lost it."""
        self.signal(Signal.HANGUP)

    # The table's effects.

    def signal(self, signal: Signal) -> None:
        """Look up what happened, and do what the table says."""
        try:
            self.state, actions = step(self.state, signal)
        except ImpossibleError:
            self.log.exception("A run was told what cannot be", signal=signal.name)
            return
        self._count()
        for action in actions:
            _EFFECTS[action](self)

    def _launch(self) -> None:
        self._body.buried = False
        self._spawn(self._start_process())

    async def _start_process(self) -> None:
        try:
            await self._body.launch(self.record.workflow, lambda: self.signal(Signal.DEATH))
        except (KeepstreamError, OSError, EOFError) as error:
            self._seen.failure = str(error)
            self.signal(Signal.DEATH)
            return
        if self.state is State.STARTING:
            self._wind(HELLO_SECONDS)
        for connection, hello in self._body.early():
            self.knock(connection, hello)

    def _admit(self) -> None:
        self._unwind()
        self._commits.put([], lambda _: self.signal(Signal.ADMITTED), self._body.admit)

    def _start(self) -> None:
        record = self._commits.record
        self._seen.admitted = True
        self.log.info("Multi-Agent Workflow Starting", workflow=record.workflow, pid=record.pid)
        self._deadline = self._loop.call_later(record.timeout, self._out_of_time)
        self._body.send(pipe.welcome(0) + pipe.start(record.workflow, record.input))
        self._intake.open()

    def _out_of_time(self) -> None:
        self._seen.timed_out = self.state is State.RUNNING
        self.signal(Signal.TIMEOUT)

    def _ask(self) -> None:
        self._wind(self._house.grace)
        self._body.send(pipe.cancel(self._seen.cancel or "timeout"))

    def _expect(self) -> None:
        self._wind(HANGUP_SECONDS)

    def _kill(self) -> None:
        self._body.kill()

    def _free(self) -> None:
        self._unwind()
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
        self._unwind()
        if self._deadline is not None:
            self._deadline.cancel()
        final = verdict(self._seen)
        n = self._seen.outcome.n if self._seen.outcome is not None else 0
        terminal = draft(final.type, self.id, final.data, n=n)
        self._commits.put(
            [*self._intake.rest, terminal],
            lambda _: self.signal(Signal.COMMITTED),
            lambda record: _ended(record, final),
        )

    def _leave(self) -> None:
        if self._seen.outcome is not None:
            self._body.send(pipe.ack(self._seen.outcome.n))
        if not self._body.buried:
            self._wind(self._house.grace)
        state = self._commits.record.state
        telemetry.RUNS_ENDED.labels(state).inc()
        tell = self.log.warning if state == "error" else self.log.info
        seconds = round(time.monotonic() - self._began, 3)
        tell("Workflow finished", state=state, events=self._commits.events, seconds=seconds)
        self._leave_if_over()

    def _leave_if_over(self) -> None:
        if self._body.buried and self.state is State.ENDED:
            self._owner.over(self)

    # Small matters.

    def abandon(self) -> None:
        """Leave nothing running or open, whatever state it is in; for a server that exits."""
        self._body.kill()
        self._unwind()
        if self._deadline is not None:
            self._deadline.cancel()
        for task in self._tasks:
            task.cancel()
        self._commits.close()
        self._body.close()
        self.state = State.ENDED
        self._count()

    def _wind(self, seconds: float) -> None:
        self._unwind()
        self._timer = self._loop.call_later(seconds, self.overdue)

    def _unwind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _count(self) -> None:
        word = "" if self.state is State.ENDED else WORDS.get(self.state, self._word)
        if word != self._word:
            if self._word:
                telemetry.RUNS.labels(self._word).dec()
            if word:
                telemetry.RUNS.labels(word).inc()
            self._word = word


_EFFECTS = {
    Action.LAUNCH: Child._launch,
    Action.ADMIT: Child._admit,
    Action.START: Child._start,
    Action.ASK: Child._ask,
    Action.EXPECT: Child._expect,
    Action.KILL: Child._kill,
    Action.FREE: Child._free,
    Action.COLLECT: Child._collect,
    Action.CONCLUDE: Child._conclude,
    Action.LEAVE: Child._leave,
}


def _answered(record: RunRecord, request: str, value: Any) -> RunRecord:
    asking = {name: asked for name, asked in record.asking.items() if name != request}
    return replace(record, asking=asking, answers={**record.answers, request: value})


def _ended(record: RunRecord, final: Verdict) -> RunRecord:
    return replace(
        record, state=final.type, ended=now(), result=final.result, error=final.error, asking={}
    )

"""One run: the shell that puts into effect what :mod:`server.runs.life` decides."""

import asyncio
import hashlib
import hmac
import platform
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog
from msgspec.structs import replace

from server import telemetry
from server.errors import InvalidInput, KeepstreamError, NotPending
from server.events import draft, now, server_draft
from server.records import Append, RunRecord
from server.runs import pipe, schema
from server.runs.catalogue import Catalogue
from server.runs.commits import Commits
from server.runs.connection import Connection
from server.runs.evidence import Evidence, Verdict, verdict
from server.runs.forkserver import ForkServer, Started
from server.runs.intake import Acks, Intake
from server.runs.last_words import LastWords
from server.runs.life import Action, ImpossibleError, Signal, State, step
from server.runs.process import boot_id

HELLO_SECONDS = 30.0
HANGUP_SECONDS = 3.0
EXIT_CODE_SECONDS = 0.75

#: What operators and clients are told; a state that is not here keeps the word of the one before.
WORDS = {State.QUEUED: "queued", State.STARTING: "starting", State.RUNNING: "running"}


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """What all runs share."""

    append: Append
    catalogue: Catalogue
    forkserver: ForkServer
    acks: Acks
    directory: Path  # for the pipes of last words
    address: Path  # where children connect
    grace: float  # seconds


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
        self._words = LastWords(house.directory / f"{record.id}.stderr")
        self._secret = secrets.token_urlsafe(32)
        self._process: Started | None = None
        self._connection: Connection | None = None
        self._knocks: list[tuple[Connection, pipe.Hello]] = []
        self._answering: set[str] = set()
        self._doomed = False  # to be killed as soon as there is something to kill
        self._buried = True  # there is no process, not yet or no more
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._began = time.monotonic()
        self._word = ""
        self._count()

    @property
    def record(self) -> RunRecord:
        """As last committed. That it is ``starting`` only this server knows, and needs to."""
        record = self._commits.record
        if self.state is State.STARTING and record.state == "queued":
            return replace(record, state="starting")
        return record

    def _go_on(self) -> None:
        self._intake.go_on()

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
                lambda: self._send(line),
            )
        finally:
            self._answering.discard(request)

    def knock(self, connection: Connection, hello: pipe.Hello) -> None:
        """Let in the process that was started for this run, once; nobody else."""
        known = hmac.compare_digest(_digest(hello.secret), _digest(self._secret))
        if not known or self.state is not State.STARTING or self._connection is not None:
            self._refuse(connection)
        elif self._process is None:
            self._knocks.append((connection, hello))  # faster than the news of its pid
        elif connection.peer != self._process.leader.pid:
            self._refuse(connection)
        else:
            self._process.leader.groups = True
            self._connection = connection
            self._intake.connect(connection)
            connection.attach(self)
            self.signal(Signal.HELLO)

    def _refuse(self, connection: Connection) -> None:
        self.log.warning("Refused a connection to the run", pid=connection.peer)
        connection.refuse()

    def overdue(self) -> None:
        """What was waited for did not come."""
        self._seen.killed = True
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
        self._buried = False
        self._spawn(self._start_process())

    async def _start_process(self) -> None:
        house, record = self._house, self._commits.record
        try:
            await house.catalogue.ready()
            target = house.catalogue.find(record.workflow).target
            stderr = str(self._words.open().path)
            self._process = await house.forkserver.start(
                self.id, self._secret, str(house.address), target, stderr
            )
        except (KeepstreamError, OSError, EOFError) as error:
            self._seen.failure = str(error)
            self.signal(Signal.DEATH)
            return
        self._process.leader.watch(self._loop, lambda: self.signal(Signal.DEATH))
        if self._doomed:
            self._process.leader.kill()
        else:
            self._wind(HELLO_SECONDS)
        knocks, self._knocks = self._knocks, []
        for connection, hello in knocks:
            self.knock(connection, hello)

    def _admit(self) -> None:
        self._unwind()
        assert self._process is not None
        leader = self._process.leader

        def admission(record: RunRecord) -> RunRecord:
            return replace(
                record,
                state="running",
                started=now(),
                node=platform.node(),
                pid=leader.pid,
                pid_started=leader.started,
                boot=boot_id(),
                secret_hash=_digest(self._secret).hex(),
                start_given=True,
            )

        self._commits.put([], lambda _: self.signal(Signal.ADMITTED), admission)

    def _start(self) -> None:
        record = self._commits.record
        self._seen.admitted = True
        self.log.info("Multi-Agent Workflow Starting", workflow=record.workflow, pid=record.pid)
        self._deadline = self._loop.call_later(record.timeout, self._out_of_time)
        self._send(pipe.welcome(0) + pipe.start(record.workflow, record.input))
        self._intake.open()

    def _out_of_time(self) -> None:
        self._seen.timed_out = self.state is State.RUNNING
        self.signal(Signal.TIMEOUT)

    def _ask(self) -> None:
        self._wind(self._house.grace)
        self._send(pipe.cancel(self._seen.cancel or "timeout"))

    def _expect(self) -> None:
        self._wind(HANGUP_SECONDS)

    def _kill(self) -> None:
        self._doomed = True
        if self._process is not None:
            self._process.leader.kill()

    def _free(self) -> None:
        self._unwind()
        self._owner.freed(self)

    def _collect(self) -> None:
        self._intake.drain()
        self._spawn(self._learn_of_death())

    async def _learn_of_death(self) -> None:
        if self._process is not None:
            self._seen.exit_code = await self._exit_code(self._process)
        self._seen.heard(self._words.read())
        self._close()
        self._buried = True
        self.signal(Signal.COLLECTED)
        self._leave_if_over()

    async def _exit_code(self, process: Started) -> int | None:
        collecting = self._loop.create_task(self._house.forkserver.collect(process))
        # Its thread may be busy with starts: this is evidence, and the verdict does not wait.
        await asyncio.wait([collecting], timeout=EXIT_CODE_SECONDS)
        return collecting.result() if collecting.done() else None

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
            self._send(pipe.ack(self._seen.outcome.n))
        if not self._buried:
            self._wind(self._house.grace)
        state = self._commits.record.state
        telemetry.RUNS_ENDED.labels(state).inc()
        tell = self.log.warning if state == "error" else self.log.info
        seconds = round(time.monotonic() - self._began, 3)
        tell("Workflow finished", state=state, events=self._commits.events, seconds=seconds)
        self._leave_if_over()

    def _leave_if_over(self) -> None:
        if self._buried and self.state is State.ENDED:
            self._owner.over(self)

    # Small matters.

    def abandon(self) -> None:
        """Leave nothing running or open, whatever state it is in; for a server that exits."""
        self._kill()
        self._unwind()
        if self._deadline is not None:
            self._deadline.cancel()
        for task in self._tasks:
            task.cancel()
        self._commits.close()
        if self._process is not None:
            self._process.leader.close(self._loop)
        self._close()

    def _close(self) -> None:
        self._words.close()
        if self._connection is not None:
            self._connection.close()
        for connection, _ in self._knocks:
            connection.refuse()
        self._knocks.clear()

    def _send(self, line: bytes) -> None:
        if self._connection is not None:
            self._connection.write(line)

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


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _answered(record: RunRecord, request: str, value: Any) -> RunRecord:
    asking = {name: asked for name, asked in record.asking.items() if name != request}
    return replace(record, asking=asking, answers={**record.answers, request: value})


def _ended(record: RunRecord, final: Verdict) -> RunRecord:
    return replace(
        record, state=final.type, ended=now(), result=final.result, error=final.error, asking={}
    )

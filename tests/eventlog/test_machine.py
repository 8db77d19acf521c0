"""Any history at all: the back ends against a model that is too simple to be wrong."""

import asyncio
import copy
import shutil
import subprocess
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from server.eventlog import EventLog, memory, sqlite
from server.events import Draft
from server.records import Head, RunRecord, SessionRecord
from tests.eventlog.conftest import Opener
from tests.eventlog.making import drafts, run, whole
from tests.eventlog.model import Model

SESSIONS = st.sampled_from(["s1", "s2", "s3"])
PRODUCERS = st.sampled_from(["", "r_1", "r_2"])
NUMBERS = st.lists(st.integers(0, 12), max_size=5)
LENGTHS = st.sampled_from([0, 10, 700, 70_000])
HOURS = st.integers(10, 19).map(lambda hour: f"2026-11-22T{hour}:00:00.000000Z")
RUNS = st.builds(
    lambda name, state, at: run(name, state=state, ended=at),
    st.sampled_from(["r_1", "r_2"]),
    st.sampled_from(["queued", "running", "complete", "error"]),
    HOURS,
)
APPENDS = st.tuples(SESSIONS, NUMBERS, LENGTHS, PRODUCERS, st.none() | RUNS)

Asked = tuple[SessionRecord, list[Draft], str, RunRecord | None]


def _asked(
    name: str, numbers: list[int], length: int, producer: str, record: RunRecord | None
) -> Asked:
    if record is not None:  # a run belongs to one session
        id_ = f"{record.id}_{name}"
        record = msgspec.structs.replace(record, id=id_, session=name)
    return SessionRecord(id=name), drafts(*numbers, text="x" * length), producer, record


class EventLogMachine(RuleBasedStateMachine):
    """Every rule does the same to the log and to the model, and compares the answers."""

    opener: Opener

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.woken: set[str] = set()
        self.model = Model()
        self.events = self.wait(self.start())

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run ``coroutine`` to its end; it gets a generous while."""
        return self.runner.run(asyncio.wait_for(coroutine, 60))

    async def start(self) -> EventLog:
        """Open the log and watch every session."""
        events = await self.stack.enter_async_context(self.opener())
        for name in ("s1", "s2", "s3"):
            self.stack.enter_context(events.watch(name, partial(self.woken.add, name)))
        return events

    def teardown(self) -> None:
        """Close the log."""
        self.wait(self.stack.aclose())
        self.runner.close()

    @rule(asked=st.lists(APPENDS, min_size=1, max_size=4))
    def append(self, asked: list[Any]) -> None:
        """Several appends at once answer with what is new in each, and wake who watches."""
        calls = [_asked(*each) for each in asked]

        async def together() -> list[Any]:
            self.woken.clear()
            answers = await asyncio.gather(*(_call(self.events, each) for each in calls))
            await asyncio.sleep(0)
            return answers

        answers = self.wait(together())
        assert answers == [self.model.append(*each) for each in calls]
        assert self.woken == {session.id for session, *_ in calls}

    @rule(name=SESSIONS)
    def create(self, name: str) -> None:
        """Creating gives the session that is there, or a new one."""
        record = SessionRecord(id=name)
        head = self.wait(self.events.create(record))
        self.model.append(record, [], "", None)
        assert _placed(head) == self.model.logs[name].head()

    @rule(name=SESSIONS)
    def delete(self, name: str) -> None:
        """Deleting says whether there was anything."""
        assert self.wait(self.events.delete(name)) == (name in self.model.logs)
        self.model.logs.pop(name, None)

    @rule(before=HOURS, limit=st.integers(1, 3))
    def expire(self, before: str, limit: int) -> None:
        """Expired are those that are over, longest first; which of equally old ones is open."""
        over = self.model.expired(before)
        named = self.wait(self.events.expired(before, limit))
        assert [over[name] for name in named] == sorted(over.values())[:limit]
        for name in named:
            assert self.wait(self.events.delete(name))
            del self.model.logs[name]

    @rule(name=SESSIONS, after=st.integers(0, 30), limit=st.integers(1, 7))
    def read(self, name: str, after: int, limit: int) -> None:
        """A page is a stretch of the log, from where it was asked for."""
        log = self.model.logs[name].events if name in self.model.logs else []
        page = self.wait(self.events.read(name, after, limit))
        assert len(page) <= limit
        assert page == log[after : after + len(page)]
        assert page or after >= len(log)

    @rule(name=SESSIONS, after=st.integers(0, 30))
    def recent(self, name: str, after: int) -> None:
        """What memory has is all there is."""
        log = self.model.logs[name].events if name in self.model.logs else []
        recent = self.events.recent(name, after)
        assert recent is None or list(recent) == log[after:]

    @invariant()
    def all_is_the_same(self) -> None:
        """Heads, logs and runs are the model's."""
        self.wait(self.compare())

    async def compare(self) -> None:
        """Read everything there is."""
        listed = await self.events.sessions(limit=10)
        assert [_placed(head) for head in listed] == self.model.heads()
        active = {record.id: record for record in await self.events.active_runs()}
        for name, log in self.model.logs.items():
            head = await self.events.head(name)
            assert head is not None
            assert _placed(head) == log.head()
            assert await whole(self.events, name) == log.events
            assert await self.events.runs(name) == list(log.runs.values())
            for record in log.runs.values():
                assert await self.events.run(record.id) == record
                assert record.active == (active.pop(record.id, None) is not None)
        assert not active


async def _call(events: EventLog, asked: Asked) -> Any:
    session, new, producer, record = asked
    return await events.append(session, new, producer=producer, record=record)


def _placed(head: Head) -> Head:
    return msgspec.structs.replace(head, order=0)


class MemoryMachine(EventLogMachine):
    """The memory store."""

    opener = staticmethod(memory.open)


class SqliteMachine(EventLogMachine):
    """SQLite, closed and opened again, and killed."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="keepstream-"))
        self.lives = 0
        super().__init__()

    @property
    def path(self) -> Path:
        """The database of this life."""
        return self.folder / str(self.lives) / "keepstream.db"

    def opener(self) -> Any:
        """Open so that every few appends are packed, and the file changes at closing only.

        A copy of the database and of a write-ahead log that only grows is what kill -9 leaves.
        """
        return sqlite.open(self.path, journal_bytes=3000, wal_pages=10**9, calm_seconds=0.0)

    def teardown(self) -> None:
        """Close the log and remove its files."""
        super().teardown()
        shutil.rmtree(self.folder)

    @rule()
    def reopen(self) -> None:
        """Nothing changes when the store is closed and opened again."""

        async def again() -> EventLog:
            await self.stack.aclose()
            return await self.start()

        self.events = self.wait(again())

    @rule(asked=st.lists(APPENDS, max_size=6), turns=st.integers(0, 40))
    def kill(self, asked: list[Any], turns: int) -> None:
        """After a crash all that was answered is there, and of the rest whole appends, in order."""
        calls = [_asked(*each) for each in asked]
        before = copy.deepcopy(self.model)
        answered = self.wait(self.crash(calls, turns))
        possible = [before]
        for number, each in enumerate(calls):
            grown = copy.deepcopy(possible[-1])
            grown.append(*each)
            possible.append(grown)
            if number < answered:
                possible.pop(0)
        self.model = self.wait(self.which(possible))

    async def crash(self, calls: list[Asked], turns: int) -> int:
        """Kill the log with ``calls`` on their way, open what is left; how many were answered."""
        appending = [asyncio.ensure_future(_call(self.events, each)) for each in calls]
        for _ in range(turns):
            await asyncio.sleep(0)
        answered = sum(each.done() for each in appending)
        left = self.folder / str(self.lives + 1)
        left.mkdir()
        names = [self.path, self.path.with_name("keepstream.db-wal")]
        # Not with our own hands: closing a descriptor of the file would drop SQLite's locks on it.
        subprocess.run(["cp", *(name for name in names if name.exists()), left], check=True)
        await asyncio.gather(*appending)
        await self.stack.aclose()
        self.lives += 1
        self.events = await self.start()
        return answered

    async def which(self, possible: list[Model]) -> Model:
        """The one of ``possible`` that the log is now."""
        failures = []
        for self.model in possible:
            try:
                await self.compare()
            except AssertionError as error:
                failures.append(error)
            else:
                return self.model
        raise ExceptionGroup("no possible history", failures)


def _test_case(machine: type[EventLogMachine], examples: int) -> Any:
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    return case


TestMemory = _test_case(MemoryMachine, 40)
TestSqlite = _test_case(SqliteMachine, 25)

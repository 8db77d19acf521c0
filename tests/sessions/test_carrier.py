"""Many subscriptions on one socket: what they share, in memory and in time."""

import asyncio
import json
import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from server.eventlog.group import waited
from server.events import server_draft
from server.sessions import carrier as carriers
from server.sessions.bye import Bye
from server.sessions.carrier import Carrier
from server.sessions.hub import Hub
from server.sessions.opening import Wish
from server.sessions.pace import SLOW_SECONDS
from server.sessions.pulse import beating
from server.sessions.stretches import IN_A_ROW, STRETCH_BYTES
from server.sessions.subscription import LIVE_BACKLOG
from server.sessions.visit import visit
from server.web.frames import AddressedEncoding
from server.web.sink import HIGH, LOW
from tests.sessions.conftest import Stage, run_record, settle
from tests.sessions.test_pace import tcp_info
from tests.sessions.wire import Lines, Wire


@dataclass(frozen=True)
class Addressed(Lines):
    """Lines with the session before each."""

    session: str

    def events(self, epoch: str, events: Sequence[Any]) -> bytes:
        """Put one event on a line."""
        lines = super().events(epoch, events).splitlines()
        return b"".join(b'{"of":"%b",%b\n' % (self.session.encode(), line[1:]) for line in lines)

    def control(self, frame: dict[str, Any]) -> bytes:
        """Put a frame on a line."""
        return super().control({"of": self.session, **frame})


class Pipe(Wire):
    """A wire as a socket is: the kernel has room for so much, and asyncio has its water marks.

    Whoever waits for it to drain waits for one future, as with aiohttp.
    """

    room: float = math.inf
    _waiter: asyncio.Future[None] | None = None
    _paused = False

    def stall(self) -> None:
        """Have room for no more than a little."""
        self.room = 2048

    def flow(self) -> None:
        """Have room for everything."""
        self.read(math.inf)

    def read(self, size: float) -> None:
        """Have room for so much more."""
        self.room += size
        self._take()
        if len(self.held) <= LOW and self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            self._waiter = None
        self._paused = self._paused and len(self.held) > LOW

    def _take(self) -> None:
        taken = int(min(self.room, len(self.held)))
        self.taken += self.held[:taken]
        del self.held[:taken]
        self.room -= taken

    def write(self, data: bytes) -> None:
        """Hand data over."""
        self.held += data
        self._take()
        self._paused = self._paused or len(self.held) > HIGH

    def send(self, data: bytes) -> int:
        """Take what there is room for."""
        assert not self.held, "what is sent now would overtake what waits"
        taken = int(min(self.room, len(data)))
        if not taken:
            raise BlockingIOError
        self.taken += data[:taken]
        self.room -= taken
        return taken

    @property
    def frames(self) -> list[dict[str, Any]]:
        """All that was taken whole."""
        return [json.loads(line) for line in bytes(self.taken).split(b"\n")[:-1]]

    async def drain(self) -> None:
        """Wait until there is room."""
        if self.aborted:
            raise ConnectionResetError
        if self._paused:
            self._waiter = self._waiter or asyncio.get_running_loop().create_future()
            await self._waiter

    def abort(self) -> None:
        """Break."""
        self.aborted = True
        self.read(0)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionResetError())


@dataclass
class Connection:
    """A carrier on a wire, and the visits that it carries."""

    hub: Hub
    wire: Pipe = field(default_factory=Pipe)
    visits: dict[str, asyncio.Task[Bye]] = field(default_factory=dict)
    encoding: type[Addressed] = Addressed

    def __post_init__(self) -> None:
        self.carrier = Carrier(self.wire, heartbeat=1.0)

    def subscribe(self, name: str, after: str = "", until: str = "run") -> None:
        """Begin to follow a session."""
        sink = self.carrier.lend(self.encoding(name))
        wish = Wish.parse(after, "", until)
        self.visits[name] = asyncio.create_task(visit(self.hub, name, wish, sink, self.carrier))

    async def unsubscribe(self, name: str) -> None:
        """End it."""
        task = self.visits.pop(name)
        task.cancel()
        await asyncio.wait([task])

    def of(self, name: str) -> list[dict[str, Any]]:
        """What was taken of a session."""
        return [frame for frame in self.wire.frames if frame.get("of") == name]

    def offsets(self, name: str) -> list[int]:
        """The offsets of its events that were taken."""
        return [frame["offset"] for frame in self.of(name) if "offset" in frame]

    @property
    def own(self) -> list[str]:
        """The types of what the connection said of itself."""
        return [frame["type"] for frame in self.wire.frames if "of" not in frame]


@asynccontextmanager
async def connected(stage: Stage) -> AsyncIterator[Connection]:
    """A connection, and its end."""
    it = Connection(stage.hub)
    with stage.hub.carrying(it.carrier):
        it.carrier.open()
        try:
            yield it
        finally:
            for task in it.visits.values():
                task.cancel()
            if it.visits:
                await asyncio.wait(it.visits.values())


class Log:
    """A session that a run writes to."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name

    async def _append(self, type_: str, data: Any, state: str = "", count: int = 1) -> None:
        drafts = [server_draft(type_, f"r_{self.name}", data) for _ in range(count)]
        record = run_record(state, f"r_{self.name}", self.name) if state else None
        await waited(partial(self.stage.hub.append, self.name, drafts, record=record))

    async def start(self) -> None:
        """Begin a run."""
        async with self.stage.hub.hold(self.name, create=True):
            await self._append("run_start", {}, "running")

    async def emit(self, count: int = 1, size: int = 10) -> None:
        """Emit so many events of that size."""
        await self._append("word", {"text": "x" * size}, count=count)
        await settle(3)

    async def finish(self) -> None:
        """End the run."""
        await self._append("complete", {"result": None}, "complete")


async def written(stage: Stage, count: int, events: int, size: int) -> list[Log]:
    """So many sessions with so many events."""
    logs = [Log(stage, f"m{number}") for number in range(count)]
    for log in logs:
        await log.start()
        await log.emit(events, size)
    return logs


async def test_a_peer_that_does_not_read_costs_no_more_with_many_subscriptions(
    stage: Stage,
) -> None:
    """What waits for it is what one subscription may have waiting, not as much for each."""
    size = 50_000  # more than a stretch: each event is one
    logs = await written(stage, 40, 3, size)
    async with connected(stage) as it:
        it.wire.stall()
        for log in logs:
            it.subscribe(log.name)
        await settle(300)
        waiting = it.wire.backlog()
        for log in logs:
            await log.emit(2, size)
        ready = 300 * len(logs)
        assert max(waiting, it.wire.backlog()) < ready + LIVE_BACKLOG + 2 * (size + STRETCH_BYTES)
        it.wire.flow()
        for log in logs:
            await log.finish()
        await asyncio.wait(it.visits.values(), timeout=30)
        came: dict[str, list[int]] = {log.name: [] for log in logs}
        for frame in it.wire.frames:
            if "offset" in frame:
                came[frame["of"]].append(frame["offset"])
        assert came == {log.name: [*range(1, 8)] for log in logs}


async def test_catch_ups_take_turns(stage: Stage) -> None:
    """Whoever falls behind while another catches up is next, not last."""
    long, short = Log(stage, "long"), Log(stage, "short")
    for log in (long, short):
        await log.start()
    await long.emit(1000, 1000)
    async with connected(stage) as it:
        it.subscribe("short")
        await settle()
        it.wire.stall()
        it.subscribe("long")
        await settle(50)
        await short.emit(2)
        assert not it.offsets("short")[1:], "it is behind: the socket is full"
        before = len(it.wire.taken)
        while 3 not in it.offsets("short"):
            it.wire.read(4096)
            await settle(10)
        assert len(it.wire.taken) - before < 6 * IN_A_ROW * STRETCH_BYTES
        assert len(it.offsets("long")) < 500


async def test_a_wait_that_is_cancelled_is_nobody_elses(stage: Stage) -> None:
    """All wait for one socket; who leaves while it is full takes nothing from those who stay."""
    logs = await written(stage, 20, 5, 30_000)
    async with connected(stage) as it:
        it.wire.stall()
        for log in logs:
            it.subscribe(log.name)
        await settle(200)
        for log in logs[::2]:
            await it.unsubscribe(log.name)
        it.wire.flow()
        for log in logs[1::2]:
            await log.finish()
        done, _ = await asyncio.wait(it.visits.values(), timeout=30)
        assert {task.result() for task in done} == {Bye("closed")}
        assert all(it.offsets(log.name) == [*range(1, 8)] for log in logs[1::2])


async def test_nothing_comes_after_unsubscribe(stage: Stage) -> None:
    """Once it has ended nothing of that session is written, though a pulse was on its way."""
    log = Log(stage, "m")
    await log.start()
    async with connected(stage) as it:
        it.subscribe("m")
        await settle()
        (reader,) = it.carrier._readers
        await it.unsubscribe("m")
        taken = bytes(it.wire.taken)
        await log.emit(5)
        reader.beat(time.monotonic() + 100)
        await settle()
        assert bytes(it.wire.taken) == taken


async def test_an_end_is_its_own(stage: Stage) -> None:
    """A session that closes, or is deleted, says so and leaves the others as they were."""
    logs = await written(stage, 3, 2, 10)
    async with connected(stage) as it:
        for log in logs:
            it.subscribe(log.name, until="forever" if log is logs[1] else "run")
        await settle()
        await logs[0].finish()
        await logs[1].finish()
        await settle()
        await stage.hub.delete(logs[1].name)
        await settle()
        assert [it.of(log.name)[-1].get("reason") for log in logs] == ["closed", "deleted", None]
        await logs[2].emit()
        assert it.offsets(logs[2].name) == [1, 2, 3, 4]
        it.subscribe(logs[0].name)  # it may be followed again
        await it.visits[logs[0].name]
        assert it.own == ["ready"]


async def test_a_stop_is_said_to_each_and_then_to_the_connection(stage: Stage) -> None:
    """Each subscription has its bye with its cursor; the connection's comes last."""
    logs = await written(stage, 3, 2, 10)
    async with connected(stage) as it:
        for log in logs:
            it.subscribe(log.name)
        await settle()
        stage.hub.stop(2000)
        await asyncio.wait(it.visits.values())
        it.carrier.close()
        for log in logs:
            bye = it.of(log.name)[-1]
            assert (bye["type"], bye["reason"], bye["cursor"][-2:]) == ("bye", "restart", "-3")
        last = it.wire.frames[-1]
        assert (last["type"], last["reason"], "cursor" in last) == ("bye", "restart", False)
        told = {it.of(log.name)[-1]["after_ms"] for log in logs} | {last["after_ms"]}
        assert len(told) == 1, "they come back on one connection"


async def test_who_comes_to_a_connection_that_ends_hears_it(stage: Stage) -> None:
    """A subscription that began while the connection was told to end ends at once."""
    async with connected(stage) as it:
        it.carrier.end(Bye("rotate", 0))
        it.subscribe("late")
        assert await it.visits["late"] == Bye("rotate", 0)
        assert [frame["type"] for frame in it.of("late")] == ["ready", "bye"]


async def test_heartbeats(stage: Stage) -> None:
    """A connection without subscriptions beats by itself; one with some leaves it to them."""
    async with connected(stage) as it:
        now = time.monotonic()
        it.carrier.beat(now + 0.5)
        assert it.own == ["ready"]
        it.carrier.beat(now + 1.5)
        assert it.own == ["ready", "heartbeat"]
        it.subscribe("m")
        await settle()
        (reader,) = it.carrier._readers
        reader._last_sent = now + 2
        it.carrier.beat(now + 2.5)
        assert it.own == ["ready", "heartbeat"]
        it.wire.stall()
        it.wire.write(bytes(3000))
        it.carrier.beat(now + 9)
        assert it.own == ["ready", "heartbeat"], "none is piled on what was not taken"


async def test_a_slow_peer_hears_it_of_everything_and_is_cut(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket is judged once; each subscription says slow, the connection last, then nothing."""
    monkeypatch.setattr(carriers, "SLOW_ABORT_SECONDS", 0)
    logs = await written(stage, 3, 400, 100)
    async with connected(stage) as it:
        it.wire.stall()
        for log in logs:
            it.subscribe(log.name)
        await settle(100)
        it.wire.info = tcp_info(acked=5, notsent=9, probes=1)
        began = time.monotonic()
        for second in range(0, int(SLOW_SECONDS) + 3, 2):
            for reader in it.carrier._readers:
                reader.beat(began + second)
            assert not it.wire.aborted
            if second > SLOW_SECONDS:
                it.subscribe("late")
            it.carrier.beat(began + second)
        said = [json.loads(line) for line in bytes(it.wire.held).splitlines()[-4:]]
        assert [frame["reason"] for frame in said] == ["slow"] * 4
        assert "of" not in said[-1]
        all_said = bytes(it.wire.taken + it.wire.held)
        await logs[0].emit(3)
        await asyncio.wait(it.visits.values())
        assert it.wire.aborted
        assert it.carrier.ended.result() == Bye("slow")
        assert bytes(it.wire.taken + it.wire.held) == all_said, "something came after its bye"


async def test_a_dead_peer_is_cut_without_a_word(stage: Stage) -> None:
    """Who acknowledges nothing is cut, and every subscription ends with the connection."""
    logs = await written(stage, 3, 2, 10)
    async with connected(stage) as it:
        for log in logs:
            it.subscribe(log.name)
        await settle()
        began = time.monotonic()
        for second in range(4):
            it.wire.info = tcp_info(acked=5, unacked=1, last_ack=second)
            it.carrier.beat(began + second)
        assert it.wire.aborted
        assert "bye" not in [frame.get("type") for frame in it.wire.frames]


async def test_the_pulse_rotates_a_connection_as_a_whole(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its age counts, not a subscription's; all of them go at once."""
    monkeypatch.setattr(stage.hub, "settings", stage.hub.settings.__class__(rotate_seconds=0.2))
    logs = await written(stage, 2, 1, 10)
    async with beating(stage.hub), connected(stage) as it:
        for log in logs:
            it.subscribe(log.name)
        bye = await asyncio.wait_for(it.carrier.ended, 10)
        assert bye == Bye("rotate", 0)
        await asyncio.wait(it.visits.values())
        assert {task.result() for task in it.visits.values()} == {bye}


class Counted(Addressed):
    """Counts what is encoded."""

    made = 0

    def events(self, epoch: str, events: Sequence[Any]) -> bytes:
        """Count, and encode."""
        Counted.made += 1
        return super().events(epoch, events)


async def test_readers_on_many_connections_share_bytes(stage: Stage) -> None:
    """What is live, and what is read behind one another, is encoded once for all connections."""
    (log,) = await written(stage, 1, 3, 10)
    async with connected(stage) as one, connected(stage) as another, connected(stage) as third:
        for it in (one, another, third):
            it.encoding = Counted
            it.subscribe(log.name)
            await settle()
        assert Counted.made == 1
        await log.emit()
        assert Counted.made == 2
        assert [it.offsets(log.name) for it in (one, another, third)] == [[1, 2, 3, 4, 5]] * 3


def test_encodings_of_a_session_are_equal() -> None:
    """Readers of one session share bytes, whichever connection they are on."""
    one, another = AddressedEncoding("s", arrays=False), AddressedEncoding("s", arrays=False)
    assert {one: 1}[another] == 1
    assert AddressedEncoding("s", arrays=True) != one != AddressedEncoding("t", arrays=False)


@pytest.mark.parametrize("seed", range(60))
async def test_any_schedule(stage: Stage, seed: int) -> None:
    """Over any history of appends, stalls, cuts and returns, each session comes whole."""
    chance = random.Random(seed)
    logs = [Log(stage, f"m{number}") for number in range(4)]
    for log in logs:
        await log.start()
    seen: dict[str, list[int]] = {log.name: [] for log in logs}
    cursors = {log.name: "" for log in logs}

    def take(it: Connection, name: str) -> None:
        for frame in it.of(name):
            if "offset" in frame:
                seen[name].append(frame["offset"])
            elif frame["type"] == "ready":
                cursors[name] = frame["epoch"]

    for _ in range(chance.randint(1, 4)):
        async with connected(stage) as it:
            for _ in range(chance.randint(0, 20)):
                log = chance.choice(logs)
                match chance.randrange(6):
                    case 0:
                        it.wire.stall()
                    case 1:
                        it.wire.flow()
                    case 2:
                        await log.emit(chance.choice([1, 2, 50, 800]))
                    case 3:
                        await settle(chance.randint(0, 5))
                    case 4 if log.name not in it.visits:
                        epoch, has = cursors[log.name], seen[log.name]
                        it.subscribe(log.name, f"{epoch}-{has[-1]}" if epoch and has else "")
                    case 5 if log.name in it.visits:
                        await it.unsubscribe(log.name)
                        it.wire.flow()
                        take(it, log.name)
                        lines = bytes(it.wire.taken).splitlines(keepends=True)
                        mark = b'"%b"' % log.name.encode()
                        it.wire.taken[:] = b"".join(each for each in lines if mark not in each)
            it.wire.flow()
            await settle(chance.randint(0, 30))
        for log in logs:
            take(it, log.name)
    async with connected(stage) as it:
        for log in logs:
            await log.finish()
            epoch, has = cursors[log.name], seen[log.name]
            it.subscribe(log.name, f"{epoch}-{has[-1]}" if has else "")
        await asyncio.wait(it.visits.values())
        for log in logs:
            take(it, log.name)
            (head, _) = await stage.hub.look(log.name)
            assert seen[log.name] == [*range(1, head.last + 1)]

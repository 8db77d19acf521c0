"""What each step between a child's socket and a reader's costs: CPU time of one event, cut short.

All parts are the server's own, put together in this process over the store in memory, with socket
pairs for pipes. The road is cut off behind one step after the other; the difference between two
cuts is the step. Nobody reads in parallel, so no core has to be woken: the kernel's share of a
``send`` is larger in a server.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from functools import partial
from statistics import median
from typing import Any
from unittest.mock import patch

import structlog

from bench.events import lines
from bench.machine import SERVER_CORE
from bench.size import Size
from bench.table import Table
from server.eventlog import memory
from server.eventlog.group import waited
from server.eventlog.watchers import Watchers
from server.events import now, server_draft
from server.records import RunRecord
from server.runs import inlet
from server.runs.commits import Commits
from server.runs.connection import Connection
from server.runs.evidence import Evidence
from server.runs.inlet import Inlet
from server.runs.intake import Acks, Intake
from server.sessions.hub import Hub
from server.sessions.opening import Wish
from server.sessions.subscription import Subscription
from server.settings import Settings
from server.web.frames import ENCODING
from server.web.sink import SocketSink

BURSTS = (1, 10)
Cut = Callable[[Callable[[], None]], AbstractContextManager[Any]]


def _kept(through: Callable[[], None], *_: Any, **__: Any) -> None:
    through()


def _told(through: Callable[[], None], sessions: Iterable[str]) -> None:
    for _ in sessions:
        through()


def _cut(owner: type, method: str, instead: Callable[..., None] = _kept) -> Cut:
    return lambda through: patch.object(
        owner, method, lambda _self, *call, **named: instead(through, *call, **named)
    )


def _decoded(through: Callable[[], None]) -> AbstractContextManager[Any]:
    def take(self: Intake, data: bytes) -> None:
        self._decode(data)
        through()

    return patch.object(Intake, "_take", take)


class _Sends:
    """In the place of a socket's own ``send``: something that can be cut off."""

    @staticmethod
    def send(send: Callable[[bytes], int], data: bytes) -> int:
        """Have it sent."""
        return send(data)


def _unsent(through: Callable[[], None]) -> AbstractContextManager[Any]:
    def send(_send: Callable[[bytes], int], data: bytes) -> int:
        through()
        return len(data)

    return patch.object(_Sends, "send", send)


def _sent(through: Callable[[], None]) -> AbstractContextManager[Any]:
    def sent(send: Callable[[bytes], int], data: bytes) -> int:
        through()
        return send(data)

    return patch.object(_Sends, "send", sent)


READ = "find out who has something to say, and read it"


def _appended(through: Callable[[], None]) -> AbstractContextManager[Any]:
    """In the place of the log: answers all appends of a turn of the loop together."""
    waiting: list[tuple[Any, Any]] = []

    def answer() -> None:
        for drafts, then in waiting:
            then(drafts, None)
        waiting.clear()

    def append(_hub: Hub, _session: str, drafts: Any, then: Any, **_: Any) -> None:
        if not waiting:
            asyncio.get_running_loop().call_soon(answer)
        waiting.append((drafts, then))
        through()

    return patch.object(Hub, "append", append)


#: Behind what the road is cut off, and how.
STEPS: dict[str, Cut] = {
    READ: _cut(Intake, "received"),
    "decode and check it, put the server's fields before it": _decoded,
    "make it an append of its run": _appended,
    "number it, apply, answer": _cut(Watchers, "wake", _told),
    "tell the session, frame it, hand it to the reader": _unsent,
    "`send`": _sent,
}


class Road:
    """Pipes at one end, readers' sockets at the other, the server's parts between them."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._children: list[socket.socket] = []
        self._clients: list[socket.socket] = []
        self._sessions: list[Any] = []
        self._n = 0

    async def build(self, count: int) -> None:
        """Put ``count`` runs together, with a reader each."""
        events = await self._stack.enter_async_context(memory.open())
        hub, acks = Hub(Settings(), events), Acks()
        pipes = self._stack.enter_context(inlet.opened(events.feed))
        for number in range(count):
            await self._run(hub, acks, pipes, number)

    async def _run(self, hub: Hub, acks: Acks, pipes: Inlet, number: int) -> None:
        record = _record(number)
        session = await self._stack.enter_async_context(hub.hold(record.session, create=True))
        self._sessions.append(session)
        start = [server_draft("run_start", record.id, {})]
        await waited(partial(hub.append, record.session, start, record=record))
        await self._pipe(hub, acks, pipes, record)
        await self._reader(session)

    async def _pipe(self, hub: Hub, acks: Acks, pipes: Inlet, record: RunRecord) -> None:
        def append(*call: Any, **named: Any) -> None:
            hub.append(*call, **named)  # looked up at each call: the road may be cut off here

        commits = Commits(append, record, lambda: intake.go_on())  # noqa: PLW0108
        intake = Intake(commits, Evidence(), _nothing, acks, structlog.get_logger().bind())
        intake.open()
        child, ours = socket.socketpair()
        child.setblocking(False)
        knocked = asyncio.get_running_loop().create_future()
        door = lambda: Connection(lambda connection, _: knocked.set_result(connection), pipes)  # noqa: E731
        await asyncio.get_running_loop().connect_accepted_socket(door, ours)
        child.send(b'{"hello":{"pipe":1,"run":"%b","secret":"s"}}\n' % record.id.encode())
        connection = await knocked
        intake.connect(connection)
        connection.attach(_Receiver(intake))
        self._children.append(self._stack.enter_context(child))
        self._stack.callback(connection.drop)

    async def _reader(self, session: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            client = self._stack.enter_context(socket.create_connection(door.getsockname()))
            accepted, _ = door.accept()
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, accepted)
        sink = SocketSink("ws", ENCODING, transport, _Full())
        send = sink.send
        sink.send = lambda data: _Sends.send(send, data)
        reader = Subscription(session, sink, session.open(Wish.parse("now")), 600.0)
        self._stack.enter_context(reader)
        self._clients.append(client)

    async def drive(self, burst: int, cut: Cut, *, decoded: bool) -> float:
        """Send a burst through every pipe; CPU seconds for an event, up to the cut.

        What was not decoded was never said: its numbers are given again.
        """
        first = self._n + 1
        self._n += burst * decoded
        said = lines(range(first, first + burst), time.monotonic_ns())
        for child in self._children:
            child.send(said)
        arrived = _Count(len(self._children))
        with cut(arrived.one):
            began = time.process_time()
            async with asyncio.timeout(10):
                await arrived.all.wait()
            took = time.process_time() - began
        await asyncio.sleep(0)
        for session in self._sessions:  # what it was cut off from
            session.committed()
        for each in (*self._children, *self._clients):
            _empty(each)
        return took / burst / len(self._children)


class _Count:
    def __init__(self, wanted: int) -> None:
        self.all = asyncio.Event()
        self._left = wanted

    def one(self) -> None:
        self._left -= 1
        if not self._left:
            self.all.set()


class _Receiver:
    """What a run is to its connection."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def received(self, data: bytes) -> None:
        """Take it."""
        self._intake.received(data)

    def hung_up(self) -> None:
        """It is over."""


def _nothing(*_: object) -> None:
    pass


class _Full:
    async def drain(self) -> None:
        await asyncio.Event().wait()


def _empty(each: socket.socket) -> None:
    try:
        while each.recv(1 << 17):
            pass
    except BlockingIOError:
        pass


def _record(number: int) -> RunRecord:
    return RunRecord(
        id=f"r_{number:025d}",
        session=f"s_{number:025d}",
        workflow="w",
        input={},
        labels={},
        state="running",
        created=now(),
        timeout=60,
    )


async def _measure(runs: int, rounds: int) -> Iterator[tuple[str, list[float]]]:
    found: dict[str, dict[int, list[float]]] = {step: {n: [] for n in BURSTS} for step in STEPS}
    async with AsyncExitStack() as stack:
        road = Road(stack)
        await road.build(runs)
        for _ in range(rounds):
            for step, cut in STEPS.items():
                for burst in BURSTS:
                    found[step][burst].append(await road.drive(burst, cut, decoded=step != READ))
    return iter([(step, [median(each[n]) for n in BURSTS]) for step, each in found.items()])


def road(size: Size) -> Table:
    """The table: what each step adds, one event and ten at a time."""
    runs, rounds = size.of(500, 20), size.of(30, 3)
    table = Table(
        f"The road of an event: CPU time, {runs} sessions in turn, store in memory",
        ["step", *(f"{'one' if n == 1 else n} at a time, µs an event" for n in BURSTS)],
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with ExitStack() as stack:
        stack.callback(structlog.reset_defaults)
        stack.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        os.sched_setaffinity(0, {SERVER_CORE})
        before = [0.0] * len(BURSTS)
        for step, upto in asyncio.run(_measure(runs, rounds)):
            table.row(step, *(f"{(a - b) * 1e6:.1f}" for a, b in zip(upto, before, strict=True)))
            before = upto
        table.row("in all", *(f"{each * 1e6:.1f}" for each in before))
    table.note(f"medians of {rounds} rounds")
    return table

"""One session, 1,000 readers: how many deliveries a second one core makes.

Closed loop: the next events go in when every reader has the last ones, so each write is what a
reader would see of events that come at that pace, and no server can batch more than it is given.
"""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median

from bench.keepstream import pipes, server
from bench.machine import Busy, pin_client
from bench.peers import peer
from bench.readers import Readers, readers
from bench.table import Table

READERS = 1000
ROUNDS = 5
SECONDS = 2.0
BURSTS = (1, 10)
SERVERS = {
    "keepstream": "Keepstream: every event committed (SQLite, FULL) before it is sent",
    "queue_peer": "aiohttp with a queue and a task for each reader, `send_json`; keeps nothing",
    "bare_peer": "a bare loop of `send`, the floor on this machine; no server",
}
TEXT = "x" * 70  # makes an event of about 200 bytes


class Pipe:
    """A run's end of its pipe, for a client that speaks for the run."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        connection.setblocking(True)
        self._n = 0

    def emit(self, count: int) -> None:
        """Send ``count`` events in one write, as a model's tokens come."""
        lines = b""
        for _ in range(count):
            self._n += 1
            lines += line(self._n, TEXT)
        self._connection.sendall(lines)


def line(n: int, text: str) -> bytes:
    """An event as a child sends it."""
    return (
        b'{"n":%d,"t":%d,"type":"agent_delta","agent":"Coder","span":"s1",'
        b'"data":{"at":%d,"text":"%b"}}\n'
    ) % (n, time.time_ns() // 1000, time.monotonic_ns(), text.encode())


def _deliveries(opened: Readers, emit: Callable[[int], None], burst: int) -> float:
    opened.settle()
    opened.received = 0
    emit(burst)
    opened.settle()
    size = opened.received // READERS  # of a burst, for each reader
    opened.received = 0
    bursts, began = 0, time.monotonic()
    while time.monotonic() - began < SECONDS:
        emit(burst)
        bursts += 1
        # Numbers grow by a digit now and then: less than that is waited for, never more.
        opened.until(bursts * size * READERS)
    return bursts * burst * READERS / (time.monotonic() - began)


def fan_out() -> Table:
    """The table: all servers in turn, one by one and in bursts of ten."""
    pin_client()
    busy = Busy()
    found: dict[tuple[str, int], list[float]] = {}
    with ExitStack() as stack:
        served = stack.enter_context(server(HEARTBEAT_SECONDS="600"))
        ((session, pipe),) = stack.enter_context(pipes(served, 1)).items()
        emitters: dict[str, Callable[[int], None]] = {"keepstream": Pipe(pipe).emit}
        paths = [f"/api/sessions/{session}/ws"] * READERS
        opened = {"keepstream": stack.enter_context(readers(served.address, paths))}
        for name in ("queue_peer", "bare_peer"):
            other = stack.enter_context(peer(f"bench.{name}"))
            emitters[name] = other.emit
            opened[name] = stack.enter_context(readers(other.address, ["/ws"] * READERS))
        for _ in range(ROUNDS):
            for burst in BURSTS:
                for name, emit in emitters.items():
                    rate = _deliveries(opened[name], emit, burst)
                    found.setdefault((name, burst), []).append(rate)
    return _table(found, busy.share())


def _table(found: dict[tuple[str, int], list[float]], busy: float) -> Table:
    table = Table(
        "Fan-out: 1 session, 1,000 WebSocket readers, deliveries/s",
        ["server", "one by one", "bursts of ten"],
    )
    for name, label in SERVERS.items():
        table.row(label, *(f"{median(found[name, burst]):,.0f}" for burst in BURSTS))
    for name, label in (("queue_peer", "Keepstream : queue"), ("bare_peer", "Keepstream : `send`")):
        pairs = ([*zip(found["keepstream", n], found[name, n], strict=True)] for n in BURSTS)
        table.row(label, *(f"{median(a / b for a, b in each):.2f}" for each in pairs))
    table.note(f"load client {busy:.0%} busy, medians of {ROUNDS} rounds")
    return table

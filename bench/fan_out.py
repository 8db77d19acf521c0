"""One session, 1,000 readers: how many deliveries a second one core makes.

Closed loop: the next events go in when every reader has the last ones, so each write is what a
reader would see of events that come at that pace, and no server can batch more than it is given.
"""

import socket
import time
from collections.abc import Callable
from statistics import median

from bench.keepstream import pipes, server
from bench.machine import Busy, pin_client
from bench.queue_peer import peer
from bench.readers import Readers, readers
from bench.table import Table

READERS = 1000
ROUNDS = 5
SECONDS = 2.0
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
    """The table: both servers, one by one and in bursts of ten."""
    pin_client()
    busy = Busy()
    found: dict[tuple[str, int], list[float]] = {}
    with server(HEARTBEAT_SECONDS="600") as served, pipes(served, 1) as lent, peer() as other:
        ((session, pipe),) = lent.items()
        run = Pipe(pipe)
        path = f"/api/sessions/{session}/ws"
        with (
            readers(served.address, [path] * READERS) as ours,
            readers(other.address, ["/ws"] * READERS) as theirs,
        ):
            for _ in range(ROUNDS):
                for burst in (1, 10):
                    found.setdefault(("Keepstream", burst), []).append(
                        _deliveries(ours, run.emit, burst)
                    )
                    found.setdefault(("queue", burst), []).append(
                        _deliveries(theirs, other.emit, burst)
                    )
    table = Table(
        "Fan-out: 1 session, 1,000 WebSocket readers, deliveries/s",
        ["server", "one by one", "bursts of ten"],
    )
    names = {"Keepstream": "Keepstream, committed (SQLite, FULL) before sent"}
    names["queue"] = "aiohttp, a queue and a task a reader, `send_json`, nothing kept"
    for name, label in names.items():
        table.row(label, *(f"{median(found[name, burst]):,.0f}" for burst in (1, 10)))
    ratios = (
        median(a / b for a, b in zip(found["Keepstream", n], found["queue", n], strict=True))
        for n in (1, 10)
    )
    table.row("ratio", *(f"{ratio:.1f}×" for ratio in ratios))
    table.note(f"load client {busy.share():.0%} busy, medians of {ROUNDS} rounds")
    return table

"""500 runs, one reader each: how old an event is when its reader has it, and how many go through.

The runs are real up to their start; then one process speaks for all of them through their own pipes
(:mod:`bench.flows`), because 500 Python children on the client's core would be what is measured.
"""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from statistics import quantiles

from bench.fan_out import TEXT, line
from bench.keepstream import pipes, server
from bench.machine import Busy, cpu_seconds, pin_client
from bench.peers import Peer, peer
from bench.readers import Readers, readers
from bench.table import Table

SESSIONS = 500
RATES = (5_000, 20_000, 40_000)
SECONDS = 5.0
FLOOD_EVENTS = 1_000_000
FLOOD_LINES = 40  # in one write to a pipe


class Feeder:
    """Speaks for all runs in turn; never waits for a pipe."""

    def __init__(self, lent: list[socket.socket]):
        self._pipes = lent
        self._numbers = [0] * len(lent)
        self._unsent = [b""] * len(lent)
        self._turn = 0
        self._acks = select.epoll()
        self._by_fd = {pipe.fileno(): pipe for pipe in lent}
        for fd in self._by_fd:
            self._acks.register(fd, select.EPOLLIN)

    def feed(self, lines: int) -> int:
        """Write ``lines`` events to the next pipe; how many went in."""
        turn = self._turn
        self._turn = (turn + 1) % len(self._pipes)
        waits = self._unsent[turn]
        written = 0
        if not waits:
            for _ in range(lines):
                self._numbers[turn] += 1
                waits += line(self._numbers[turn], TEXT)
            written = lines
        with suppress(BlockingIOError):
            waits = waits[self._pipes[turn].send(waits) :]
        self._unsent[turn] = waits
        return written

    def hear(self) -> None:
        """Take the acknowledgements that have come."""
        for fd, _ in self._acks.poll(0, 256):
            self._by_fd[fd].recv(1 << 16)


def many_sessions() -> Table:
    """The table: latency at some rates and the flood, here and with the least that commits."""
    pin_client()
    table = Table(
        "500 sessions, one WebSocket reader each, every event committed (SQLite, FULL) before sent",
        ["work", "server", "events/s", "p50", "p99", "server core busy", "load client busy"],
    )
    with ExitStack() as stack:
        served = stack.enter_context(server(HEARTBEAT_SECONDS="600"))
        lent = stack.enter_context(pipes(served, SESSIONS))
        paths = [f"/api/sessions/{session}/ws" for session in lent]
        ours = stack.enter_context(readers(served.address, paths))
        other = stack.enter_context(peer("bench.store_peer"))
        theirs = stack.enter_context(readers(other.address, [f"/{n}" for n in range(SESSIONS)]))
        sockets = [stack.enter_context(_session(other, n)) for n in range(SESSIONS)]
        sides = [
            ("Keepstream", ours, Feeder(list(lent.values())), served.pid),
            ("the least that commits", theirs, Feeder(sockets), other.pid),
        ]
        for rate in RATES:
            for name, opened, feeder, pid in sides:
                table.row(f"{rate:,}/s, one by one", name, *_paced(opened, feeder, rate, pid))
        for name, opened, feeder, pid in sides:
            table.row("as fast as they go in", name, *_flood(opened, feeder, pid))
    return table


@contextmanager
def _session(other: Peer, number: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(other.said["address"])
        connection.sendall(b"%d\n" % number)
        connection.setblocking(False)
        yield connection


def _paced(opened: Readers, feeder: Feeder, rate: int, pid: int) -> Iterator[str]:
    opened.latencies.clear()
    busy, cpu, began = Busy(), cpu_seconds(pid), time.monotonic()
    sent = seen = 0
    while (now := time.monotonic() - began) < SECONDS:
        due = int(now * rate) - sent
        for _ in range(min(due, 64)):
            sent += feeder.feed(1)
        # Asleep where there is time: two cores may be two threads of one, and a client that spins
        # takes from the server what it was given.
        seen += opened.pump_timed(0 if due > 64 else 0.001)
        feeder.hear()
    share, load = (cpu_seconds(pid) - cpu) / SECONDS, busy.share()
    while seen < sent:
        seen += opened.pump_timed(1.0)
        feeder.hear()
    cuts = quantiles(opened.latencies, n=100)
    yield f"{sent / SECONDS:,.0f}"
    yield f"{cuts[49] / 1e6:.1f} ms"
    yield f"{cuts[98] / 1e6:.1f} ms"
    yield f"{share:.0%}"
    yield f"{load:.0%}"


def _flood(opened: Readers, feeder: Feeder, pid: int) -> Iterator[str]:
    opened.latencies.clear()
    busy, cpu, began = Busy(), cpu_seconds(pid), time.monotonic()
    sent = received = 0
    while received < FLOOD_EVENTS:
        if sent < FLOOD_EVENTS:
            for _ in range(16):
                sent += feeder.feed(FLOOD_LINES)
        else:
            feeder.feed(0)
        received += opened.pump_counted(0)
        feeder.hear()
    took = time.monotonic() - began
    yield f"{received / took:,.0f}"
    yield "–"
    yield "–"
    yield f"{(cpu_seconds(pid) - cpu) / took:.0%}"
    yield f"{busy.share():.0%}"

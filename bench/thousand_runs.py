"""1,000 runs at once, a process and a reader each: when all have started, and what one costs."""

import json
import socket
import time
from contextlib import ExitStack

from bench.figures import milliseconds, percentile
from bench.keepstream import Served, all_cores, server
from bench.machine import CLIENT_CORE, CoreBusy, descendants, proportional
from bench.readers import Readers, readers
from bench.size import Size
from bench.table import Table

CONNECTIONS = 50  # over which the starts are asked for


def thousand_runs(size: Size) -> Table:
    """The table: starts, then bursts of ten a second from each, then memory."""
    runs, seconds = size.of(1000, 30), size.of(10.0, 1.5)
    table = Table(
        f"{runs:,} runs at once, one burst of ten a second each",
        ["all started", "events/s", "p50", "p99", "memory of a run", "client core busy"],
    )
    with ExitStack() as stack:
        served = stack.enter_context(server(cores=all_cores()))
        sessions = [f"run{n}" for n in range(runs)]
        opened = stack.enter_context(readers(map(served.websocket, sessions)))
        began = time.monotonic()
        lasts = seconds + size.of(60.0, 10.0)
        value = {"seconds": lasts, "events": 10, "every": 1.0, "core": CLIENT_CORE}
        for connection in _ask(served, sessions, value):
            stack.enter_context(connection)
        _until_heard(opened, runs)
        started = time.monotonic() - began
        _forget(opened, 1.0)
        busy, before = CoreBusy(CLIENT_CORE), opened.events
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            opened.time(0.01)
        share = busy.share()
        table.row(
            f"{started:.1f} s",
            f"{(opened.events - before) / seconds:,.0f}",
            milliseconds(percentile(opened.latencies, 50)),
            milliseconds(percentile(opened.latencies, 99)),
            f"{_memory(served) / runs / 1e6:.1f} MB",
            f"{share:.0%} with the runs",
        )
    table.note("memory is the proportional set size of all the server's descendants; both cores")
    return table


def _ask(served: Served, sessions: list[str], value: dict[str, float]) -> list[socket.socket]:
    """Ask for a run in each session, over some connections at once."""
    connections = [socket.create_connection(served.address) for _ in range(CONNECTIONS)]
    body = json.dumps({"workflow": "bursts", "input": value})
    for n, session in enumerate(sessions):
        connections[n % CONNECTIONS].sendall(
            f"POST /api/sessions/{session}/runs HTTP/1.1\r\nHost: {served.address[0]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
    return connections


def _until_heard(opened: Readers, runs: int) -> None:
    deadline = time.monotonic() + 90
    while len(opened.heard) < runs:
        opened.time(0.01)
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(opened.heard)} of {runs} runs have started after 90 s")


def _forget(opened: Readers, seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        opened.time(0.01)
    opened.latencies = []


def _memory(served: Served) -> int:
    return sum(map(proportional, descendants(served.pid)))

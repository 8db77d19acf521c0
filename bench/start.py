"""From ``POST …/runs`` to the reader's first agent event, for a workflow with heavy imports."""

import subprocess
import sys
import time

from bench.contest import LACKING_LLAMA
from bench.events import data
from bench.figures import percentile
from bench.keepstream import Served, all_cores, server
from bench.peers.llama_agents import begin, events_of, llama_server
from bench.readers import Address, Readers
from bench.size import Size
from bench.table import Table

PAUSE = 0.05  # seconds: a start is not measured together with the end of the one before
FRESH = "import pandas, pydantic_ai, sys; sys.stdout.write('x'); sys.stdout.flush()"


def start(size: Size) -> Table:
    """The table: starts one after another, and a fresh interpreter that imports the same."""
    table = Table(
        "Start of a workflow that imports pydantic-ai and pandas, to the reader's first event",
        ["how", "p50", "p99", "worst"],
    )
    count = size.of(300, 20)
    # Both cores: a run is a process of its own, and need not wait for the server's.
    with server(cores=all_cores(), WORKFLOWS="bench.heavy") as served:
        for n in range(count // 10):
            _start(served, f"warm{n}")
        starts = [_start(served, f"start{n}") for n in range(count)]
    table.row("Keepstream: accepted, committed, forked, greeted, started, read", *_cells(starts))
    if LACKING_LLAMA:
        table.note(f"left out: llama-agents ({LACKING_LLAMA}: `make bench-peers`)")
    else:
        table.row(
            "llama-agents-server, in memory: a run inside the server's process, imports done",
            *_cells(_llama(count)),
        )
    fresh = [_fresh() for _ in range(size.of(10, 2))]
    table.row("a fresh interpreter with the same imports, its first byte", *_cells(fresh))
    table.note(f"{count} starts, {len(fresh)} interpreters, one after another; both cores")
    return table


def _start(served: Served, session: str) -> float:
    opened = Readers()
    with served.websocket(session) as connection:
        opened.add(connection)
        began = time.monotonic()
        served.post(f"/api/sessions/{session}/runs", {"workflow": "heavy"})
        opened.until(1, limit=30.0)
        took = time.monotonic() - began
    time.sleep(PAUSE)
    return took


def _llama(count: int) -> list[float]:
    with llama_server(stored=False) as started:
        return [_llama_start(started.address) for _ in range(count)]


def _llama_start(address: Address) -> float:
    opened, began = Readers(), time.monotonic()
    run = begin(address, {"greets": data()["text"]})
    with events_of(address, run) as connection:
        opened.add(connection)
        opened.until(1, limit=30.0)
    took = time.monotonic() - began
    time.sleep(PAUSE)
    return took


def _fresh() -> float:
    began = time.monotonic()
    with subprocess.Popen([sys.executable, "-c", FRESH], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        return time.monotonic() - began


def _cells(seconds: list[float]) -> list[str]:
    found = [percentile(seconds, 50), percentile(seconds, 99), max(seconds)]
    return [f"{each * 1e3:.1f} ms" for each in found]

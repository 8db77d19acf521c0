"""500 sessions, one reader each: how old an event is when its reader has it.

Fed through socket pairs, the runs are real up to their start; then one process speaks for all of
them (:mod:`bench.flows`), because 500 Python children on the client's core would be what is
measured. With real runs they are just that, and the core says how busy they kept it.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from statistics import median

from bench.contest import EVENT_STREAMS, OURS, STORE, WEBSOCKETS, Side, enter, installed
from bench.feeder import Paced, paced
from bench.figures import milliseconds, percentile
from bench.keepstream import server
from bench.machine import CLIENT_CORE, SERVER_CORE, Busy, CoreBusy
from bench.peers import Kind
from bench.readers import readers
from bench.size import Size
from bench.table import Table

RATES = (20_000, 40_000)
COMMITS = {"ours": OURS, "store": STORE}
HEAD = ["work", "server", "events/s", "p50", "p99", "server busy", "load client busy"]


def many_sessions(size: Size) -> Table:
    """The table of socket pairs: two rates, one by one, every server in turn."""
    sessions = size.of(500, 20)
    table = Table(f"{sessions} sessions, one reader each, events one by one", HEAD)
    over_sse = {name: kind for name, kind in EVENT_STREAMS.items() if name not in WEBSOCKETS}
    for kind in installed({**COMMITS, **WEBSOCKETS, **over_sse}, size, table).values():
        for cells in _paces(kind, sessions, size, rounds=size.of(3, 1)):
            table.row(*cells)
    table.note("medians of rounds")
    return table


def _paces(kind: Kind, sessions: int, size: Size, rounds: int) -> Iterable[list[str]]:
    with ExitStack() as stack:
        side = enter(stack, kind, sessions, 1)
        paced(side.readers, side.feeder, 1000, size.of(1.0, 0.2), size.of(10.0, 1.0))  # warm
        for rate in RATES:
            try:
                results, busy = _at(side, rate, size, rounds)
            except ConnectionError:
                yield [f"{rate:,}/s", side.label, "closed the connections of those who publish"]
                return
            yield [f"{rate:,}/s", side.label, *_outcome(results), *busy]
            if not results[-1].kept_pace:
                return  # it is still busy with what it has


def _at(side: Side, rate: int, size: Size, rounds: int) -> tuple[list[Paced], list[str]]:
    seconds, patience = size.of(3.0, 0.5), size.of(10.0, 1.0)
    results: list[Paced] = []
    ours, theirs = Busy(), side.busy()
    began = time.monotonic()
    for _ in range(rounds):
        results.append(paced(side.readers, side.feeder, rate, seconds, patience))
        if not results[-1].kept_pace:
            break
    took = time.monotonic() - began
    return results, [f"{theirs.seconds() / took:.0%}", f"{ours.seconds() / took:.0%}"]


def _outcome(results: list[Paced]) -> list[str]:
    if not results[-1].kept_pace:
        return [f"does not keep pace: {results[-1].seen / results[-1].seconds:,.0f}", "–", "–"]
    rates = [each.sent / each.seconds for each in results]
    middles = [percentile(each.latencies, 50) for each in results]
    ends = [percentile(each.latencies, 99) for each in results]
    return [f"{median(rates):,.0f}", milliseconds(median(middles)), milliseconds(median(ends))]


def real_runs(size: Size) -> Table:
    """The table of real runs: 500 processes that emit bursts of ten, 20,000 events/s together."""
    runs, seconds, every = size.of(500, 20), size.of(15.0, 2.0), 0.25
    table = Table(f"{runs} real runs, a reader each, bursts of ten, {runs * 40:,} events/s", HEAD)
    with ExitStack() as stack:
        served = stack.enter_context(server())
        # They go on until the last has started, and then as long as is measured.
        lasts = size.of(30.0, 3.0) + seconds
        value = {"seconds": lasts, "events": 10, "every": every, "core": CLIENT_CORE}
        sessions = [
            served.post("/api/runs", {"workflow": "bursts", "input": value})["session"]
            for _ in range(runs)
        ]
        opened = stack.enter_context(readers(map(served.websocket, sessions), settled=False))
        _for_seconds(opened.time, size.of(3.0, 0.5))  # warm
        opened.latencies = []
        theirs, ours = CoreBusy(SERVER_CORE), CoreBusy(CLIENT_CORE)
        events = _for_seconds(opened.time, seconds)
        table.row(
            "bursts of ten",
            OURS.label,
            f"{events / seconds:,.0f}",
            milliseconds(percentile(opened.latencies, 50)),
            milliseconds(percentile(opened.latencies, 99)),
            f"{theirs.share():.0%}",
            f"{ours.share():.0%} with the runs",
        )
    return table


def _for_seconds(take: Callable[[float], int], seconds: float) -> int:
    began, events = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        events += take(0.01)
    return events

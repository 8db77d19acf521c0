"""Late readers of a session of 1,000,000 events: one, and a hundred at once beside live ones."""

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from statistics import median
from typing import NamedTuple

from bench.events import lines
from bench.feeder import Feeder, paced
from bench.figures import milliseconds, percentile
from bench.keepstream import Served, pipes, server
from bench.machine import Busy
from bench.pour import pour
from bench.readers import Readers, readers
from bench.size import Size
from bench.table import Table

LIVE = 100  # sessions with a live reader each
RATE = 2000  # events/s in them, together
SOCKETS = 4  # of late readers that are read from between two looks at the live ones


class Alone(NamedTuple):
    """One late reader."""

    rate: float
    busy: float


class Together(NamedTuple):
    """A hundred late readers, and the live ones meanwhile."""

    rate: float
    live: float  # ns, the 99th percentile
    busy: float


def catch_up(size: Size) -> Table:
    """The table: one, a hundred, and the live readers alone and beside them."""
    events, many, seconds = size.of(1_000_000, 20_000), size.of(100, 10), size.of(10.0, 1.0)
    rounds = size.of(3, 1)
    table = Table(
        f"Catch-up with a session of {events:,} events",
        ["work", "events/s", "first event", "p99 of live readers", "load client busy"],
    )
    with ExitStack() as stack:
        served = stack.enter_context(server())
        lent = stack.enter_context(pipes(served, 1 + LIVE))
        long, *others = lent
        pour(Feeder([lent[long]], lines), events, lambda: _last(served, long) > events)
        live = stack.enter_context(readers(map(served.websocket, others)))
        feeder = Feeder([lent[each] for each in others], lines)
        paced(live, feeder, RATE, 0.5, 10.0)  # warm
        firsts = [_first(served, long) for _ in range(size.of(20, 3))]
        rates = [_alone(served, long, events) for _ in range(rounds)]
        table.row(
            "one late reader",
            f"{median(each.rate for each in rates):,.0f}",
            f"p50 {percentile(firsts, 50) * 1e3:.1f} ms, worst {max(firsts) * 1e3:.1f} ms",
            "",
            f"{median(each.busy for each in rates):.0%}",
        )
        calm = [paced(live, feeder, RATE, seconds / 2, 10.0).latencies for _ in range(rounds)]
        alone = median(percentile(each, 99) for each in calm)
        table.row("live readers alone", f"{RATE:,}", "", milliseconds(alone), "")
        late = partial(served.websocket, long)
        found = [_together(late, many, live, feeder, seconds) for _ in range(rounds)]
        beside = median(each.live for each in found)
        table.row(
            f"{many} late readers at once",
            f"{median(each.rate for each in found):,.0f}",
            "",
            f"{milliseconds(beside)}, {beside / alone:.1f} times",
            f"{median(each.busy for each in found):.0%}",
        )
    table.note(f"medians of {rounds} rounds; live: {LIVE} sessions, {RATE:,} events/s together")
    return table


def _last(served: Served, session: str) -> int:
    return int(served.get(f"/api/sessions/{session}")["last"])


def _first(served: Served, session: str) -> float:
    took, _ = _read(served, session, 1)
    return took


def _alone(served: Served, session: str, events: int) -> Alone:
    took, waited = _read(served, session, events)
    return Alone(events / took, 1 - waited / took)


def _read(served: Served, session: str, events: int) -> tuple[float, float]:
    """Seconds until a new reader had them, and those that this client only waited."""
    opened, began = Readers(), time.monotonic()
    with served.websocket(session) as connection:
        opened.add(connection)
        opened.until(events)
        return time.monotonic() - began, opened.waited


def _together(
    late: Callable[[], socket.socket], many: int, live: Readers, feeder: Feeder, seconds: float
) -> Together:
    live.latencies = []
    crowd = Readers()
    with ExitStack() as stack:
        for _ in range(many):
            crowd.add(stack.enter_context(late()))
        crowd.count()
        crowd.events = sent = seen = 0
        busy, began = Busy(), time.monotonic()
        while (now := time.monotonic() - began) < seconds:
            for _ in range(int(now * RATE) - sent):
                sent += feeder.feed()
            seen += live.time()
            feeder.hear()
            crowd.count(0.0005, SOCKETS)
        rate, share = crowd.events / seconds, busy.share()
    while seen < sent:
        seen += live.time(1.0)
    return Together(rate, percentile(live.latencies, 99), share)

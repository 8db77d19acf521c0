"""One session, 1,000 readers: how many deliveries a second one core makes.

Closed loop: the next events go in when every reader has the last ones, so each write is what a
reader would see of events that come at that pace, and no server can batch more than it is given.
"""

import time
from contextlib import ExitStack
from itertools import product
from statistics import median
from typing import NamedTuple

from bench.contest import BARE, EVENT_STREAMS, OURS, OURS_SSE, WEBSOCKETS, Side, enter, installed
from bench.figures import ratio
from bench.peers import Kind
from bench.size import Size
from bench.table import Table

BURSTS = (1, 10)
SLOW_SECONDS = 5.0  # for what should take one


class Measured(NamedTuple):
    """Deliveries a second, and how busy the load client was."""

    rate: float
    busy: float


Found = dict[tuple[str, int], list[Measured]]


def fan_out(size: Size) -> Table:
    """The table over WebSocket: all servers in turn, one by one and in bursts of ten."""
    return _compare("WebSocket", {"ours": OURS, **WEBSOCKETS, "bare": BARE}, size)


def fan_out_sse(size: Size) -> Table:
    """The same over server-sent events."""
    return _compare("SSE", {"ours": OURS_SSE, **EVENT_STREAMS}, size)


def _compare(transport: str, kinds: dict[str, Kind], size: Size) -> Table:
    count, rounds = size.of(1000, 50), size.of(5, 1)
    table = Table(
        f"Fan-out: 1 session, {count:,} {transport} readers, deliveries/s",
        [
            "server",
            "one by one",
            "bursts of ten",
            "Keepstream : it",
            "in bursts",
            "load client busy",
        ],
    )
    with ExitStack() as stack:
        kinds = installed(kinds, size, table)
        sides = {name: enter(stack, kind, 1, count) for name, kind in kinds.items()}
        found, slow, silent = _measure(sides, rounds, count, size.of(1.0, 0.2))
    for name, side in sides.items():
        table.row(side.label, *(["delivers nothing"] if name in silent else _cells(found, name)))
    table.note(f"medians of {rounds} rounds")
    if slow:
        table.note(f"one round of {', '.join(sorted(slow))}, which took too long for more")
    return table


def _measure(
    sides: dict[str, Side], rounds: int, count: int, seconds: float
) -> tuple[Found, set[str], set[str]]:
    """All rounds, who was too slow for more than one, and whose readers waited in vain."""
    found: Found = {}
    slow: set[str] = set()
    silent: set[str] = set()
    for _, burst, name in product(range(rounds), BURSTS, sides):
        if name in silent or (name in slow and (name, burst) in found):
            continue
        began = time.monotonic()
        try:
            measured = _deliveries(sides[name], count, burst, seconds)
        except TimeoutError:
            if name == "ours":
                raise
            silent.add(name)
            continue
        found.setdefault((name, burst), []).append(measured)
        if time.monotonic() - began > SLOW_SECONDS:
            slow.add(name)
    return found, slow, silent


def _deliveries(side: Side, count: int, burst: int, seconds: float) -> Measured:
    opened, feeder = side.readers, side.feeder
    opened.settle(0.1)
    feeder.feed(burst)
    sent = burst
    opened.until(sent * count)  # warm
    before, began = opened.waited, time.monotonic()
    while time.monotonic() - began < seconds:
        feeder.feed(burst)
        sent += burst
        opened.until(sent * count)
        feeder.hear()
    took = time.monotonic() - began
    return Measured((sent - burst) * count / took, 1 - (opened.waited - before) / took)


def _cells(found: Found, name: str) -> list[str]:
    rates = {burst: [each.rate for each in found[name, burst]] for burst in BURSTS}
    cells = [f"{median(rates[burst]):,.0f}" for burst in BURSTS]
    for burst in BURSTS:
        ours = [each.rate for each in found["ours", burst]]
        times = ratio(ours[: len(rates[burst])], rates[burst])
        cells.append("" if name == "ours" else f"{times:.2f}")
    busy = [f"{median(each.busy for each in found[name, burst]):.0%}" for burst in BURSTS]
    return [*cells, ", ".join(busy)]

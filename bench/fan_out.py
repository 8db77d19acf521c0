"""One session, 1,000 readers: how many deliveries a second one core makes.

Closed loop: the next events go in when every reader has the last ones, so each write is what a
reader would see of events that come at that pace, and no server can batch more than it is given.
"""

import time
from contextlib import ExitStack
from statistics import median

from bench.contest import BARE, EVENT_STREAMS, OURS, OURS_SSE, WEBSOCKETS, Side, enter, installed
from bench.figures import ratio
from bench.machine import Busy
from bench.peers import Kind
from bench.size import Size
from bench.table import Table

BURSTS = (1, 10)
Found = dict[tuple[str, int], list[float]]


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
        ["server", "one by one", "bursts of ten", "Keepstream : it", "in bursts"],
    )
    found: Found = {}
    with ExitStack() as stack:
        kinds = installed(kinds, table)
        sides = {name: enter(stack, kind, 1, count) for name, kind in kinds.items()}
        busy = Busy()
        for _ in range(rounds):
            for burst in BURSTS:
                for name, side in sides.items():
                    rate = _deliveries(side, count, burst, size.of(1.0, 0.2))
                    found.setdefault((name, burst), []).append(rate)
        table.note(f"load client {busy.share():.0%} busy, medians of {rounds} rounds")
    for name, side in sides.items():
        table.row(side.label, *_cells(found, name))
    return table


def _deliveries(side: Side, count: int, burst: int, seconds: float) -> float:
    side.readers.settle(0.1)
    side.feeder.feed(burst)
    sent = burst
    side.readers.until(sent * count)  # warm
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        side.feeder.feed(burst)
        sent += burst
        side.readers.until(sent * count)
        side.feeder.hear()
    return (sent - burst) * count / (time.monotonic() - began)


def _cells(found: Found, name: str) -> list[str]:
    cells = [f"{median(found[name, burst]):,.0f}" for burst in BURSTS]
    for burst in BURSTS:
        times = ratio(found["ours", burst], found[name, burst])
        cells.append("" if name == "ours" else f"{times:.2f}")
    return cells

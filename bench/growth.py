"""What an event costs the server as a session, the store and the crowd of readers grow."""

import math
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.contest import OURS, enter
from bench.events import lines
from bench.feeder import Feeder
from bench.figures import spread
from bench.keepstream import Served, pipes, server
from bench.machine import Busy, described
from bench.plot import Panel, Point, svg
from bench.pour import pour
from bench.readers import Readers, readers
from bench.size import Size
from bench.stored import store_closed
from bench.table import Table

PARTS = 3  # of a decade, by which the length is measured
FED = 20  # sessions that are fed while others are stored


def growth(size: Size) -> Table:
    """The table and the plot."""
    panels = [
        Panel("Length of a session", "events", "µs an event", list(_by_length(size))),
        Panel("Sessions in the store", "sessions", "µs an event", list(_by_sessions(size))),
        Panel("Each further reader", "readers", "µs an event", list(_by_readers(size))),
    ]
    table = Table("Growth: CPU time of the server", ["with", *["least", "most", "spread", "steps"]])
    for panel in panels:
        costs = [cost for _, cost in panel.points]
        steps = ", ".join(f"{x:,.0f}: {y:.1f}" for x, y in panel.points)
        unit = f"{min(costs):.1f} {panel.y}", f"{max(costs):.1f}", f"{spread(costs):.2f}"
        table.row(panel.title.lower(), *unit, steps)
    path = Path(tempfile.gettempdir()) / "growth.svg" if size.quick else size.plot
    path.write_text(svg(panels, f"CPU time of the server; {described()}"))
    table.note(f"drawn in {path.name}")
    return table


def _by_length(size: Size) -> Iterator[Point]:
    """One session with a reader, in ever longer stretches: the cost of the events of each."""
    with ExitStack() as stack:
        served = stack.enter_context(server())
        ((session, pipe),) = stack.enter_context(pipes(served, 1)).items()
        opened = stack.enter_context(readers([served.websocket(session)]))
        feeder = Feeder([pipe], lines)
        length = size.of(10_000, 2_000)
        _cost(served, feeder, opened, length)  # warm
        steps = round(math.log10(size.of(size.events, 30_000) / length) * PARTS)
        for _ in range(steps):
            more = round(length * 10 ** (1 / PARTS)) - length
            length += more
            yield length, _cost(served, feeder, opened, more)


def _by_sessions(size: Size) -> Iterator[Point]:
    """Some sessions that are fed, beside ever more that are over."""
    each = size.of(5000, 500)
    for stored in size.of((1, 100, 10_000, 100_000), (1, 1000)):
        with tempfile.TemporaryDirectory(prefix="stored") as folder, ExitStack() as stack:
            store_closed(Path(folder), stored)
            served = stack.enter_context(server(Path(folder)))
            lent = stack.enter_context(pipes(served, FED))
            opened = stack.enter_context(readers(map(served.websocket, lent)))
            feeder = Feeder(list(lent.values()), lines)
            _cost(served, feeder, opened, each)  # warm
            yield stored, median(_cost(served, feeder, opened, each) for _ in range(3))


def _cost(served: Served, feeder: Feeder, opened: Readers, events: int) -> float:
    """µs of the server's CPU for each of ``events``, sent through every pipe and read."""
    opened.events = 0
    whole = events * len(feeder.pipes)
    busy = Busy(served.pid)
    pour(feeder, events, lambda: opened.events >= whole, opened.count)
    return busy.seconds() / whole * 1e6


def _by_readers(size: Size) -> Iterator[Point]:
    """One session with ever more readers, events one by one: what each adds to the first."""
    first = 0.0
    for count in size.of((1, 10, 100, 1000, 10_000), (1, 10, 100)):
        with ExitStack() as stack:
            side = enter(stack, OURS, 1, count)
            events = max(20, size.of(200_000, 5000) // max(count, 100))
            for n in range(2):  # the first is to warm up
                busy = side.busy()
                for sent in range(1, events + 1):
                    side.feeder.feed()
                    side.readers.until((n * events + sent) * count)
                    side.feeder.hear()
            cost = busy.seconds() / events * 1e6
        if count == 1:
            first = cost
        else:
            yield count, (cost - first) / (count - 1)

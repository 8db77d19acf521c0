"""500 runs that emit as fast as they are let, and what becomes of the others meanwhile."""

import time
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple

from bench.contest import OURS, STORE, Side
from bench.feeder import Feeder
from bench.figures import milliseconds, percentile
from bench.machine import Busy
from bench.peers import Kind
from bench.pour import Flood
from bench.readers import readers
from bench.size import Size
from bench.table import Table

OTHERS = 20  # sessions that are not flooded
SOCKETS = 64  # that are read from between two looks at the others
EVERY = 0.002  # seconds between two events of theirs


class Flooded(NamedTuple):
    """What one round gave."""

    rate: float
    others: float  # ns, the 99th percentile of the sessions that were not flooded
    server: float
    client: float


def flood(size: Size) -> Table:
    """The table: the flood here, and with the least that commits."""
    sessions, rounds = size.of(500, 20), size.of(3, 1)
    table = Table(
        f"{sessions} sessions, one WebSocket reader each, as fast as they can be fed",
        ["server", "events/s", "p99 of others", "server busy", "load client busy"],
    )
    sides: dict[str, list[Flooded]] = {}
    with ExitStack() as stack:
        entered = [_Entered(stack, kind, sessions) for kind in (OURS, STORE)]
        for _ in range(rounds + 1):
            for each in entered:
                done = each.flood(size.of(2000, 1000))
                sides.setdefault(each.side.label, []).append(done)
    for label, (_warm, *results) in sides.items():
        table.row(
            label,
            f"{median(each.rate for each in results):,.0f}",
            milliseconds(median(each.others for each in results)),
            f"{median(each.server for each in results):.0%}",
            f"{median(each.client for each in results):.0%}",
        )
    table.note(
        f"medians of {rounds} rounds; others: {OTHERS} more sessions,"
        f" {1 / EVERY:,.0f} events/s together"
    )
    return table


class _Entered:
    """One that is flooded, with readers of its other sessions apart."""

    def __init__(self, stack: ExitStack, kind: Kind, sessions: int):
        peer = stack.enter_context(kind.start(sessions + OTHERS))
        pipes = [stack.enter_context(peer.publisher(n)) for n in range(sessions + OTHERS)]
        opened = [
            stack.enter_context(readers(map(peer.reader, numbers)))
            for numbers in (range(sessions), range(sessions, sessions + OTHERS))
        ]
        self.side = Side(kind.label, opened[0], Feeder(pipes[:sessions], peer.render), peer.pids)
        self._others = opened[1]
        self._calm = Feeder(pipes[sessions:], peer.render)

    def flood(self, events: int) -> Flooded:
        """``events`` to each session."""
        whole = events * len(self.side.feeder.pipes)
        flood = Flood(self.side.feeder, events)
        self.side.readers.settle(0.1)
        self._others.latencies = []
        theirs, ours = self.side.busy(), Busy()
        began = due = time.monotonic()
        received = calm = 0
        while received < whole:
            busy = flood.push()
            received += (taken := self.side.readers.count(0, SOCKETS))
            calm -= self._others.time()
            if (now := time.monotonic()) >= due:
                calm += self._calm.feed()
                self._calm.hear()
                due += EVERY
            if not busy and not taken:
                time.sleep(0.0005)  # a client that spins takes from the server
            if now - began > 120:
                raise SystemExit(f"{received:,} of {whole:,} events came")
        took = time.monotonic() - began
        done = theirs.share(), ours.share()
        while calm:
            calm -= self._others.time(1.0)
        return Flooded(received / took, percentile(self._others.latencies, 99), *done)

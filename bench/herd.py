"""5,000 readers come back within a second, 100 events behind, and are to be current soon."""

import select
import socket
import time
from contextlib import ExitStack
from statistics import median

from bench.events import lines
from bench.feeder import Feeder
from bench.keepstream import Served, pipes, server
from bench.machine import Busy
from bench.pour import pour
from bench.readers import Readers, upgrade_request
from bench.size import Size
from bench.table import Table

BEHIND = 100
SECONDS = 1.0  # within which they come


def herd(size: Size) -> Table:
    """The table: rounds of the same herd."""
    count, rounds = size.of(5000, 200), size.of(3, 1)
    table = Table(
        f"Herd: {count:,} WebSocket readers return within a second, {BEHIND} events behind",
        ["all current after", "events/s", "server busy", "load client busy"],
    )
    with ExitStack() as stack:
        served = stack.enter_context(server())
        ((session, pipe),) = stack.enter_context(pipes(served, 1)).items()
        path = f"/api/sessions/{session}"
        pour(Feeder([pipe], lines), 1000, lambda: served.get(path)["last"] > 1000)
        found = [_herd(served, session, count) for _ in range(rounds)]
    table.row(
        f"{median(each[0] for each in found):.1f} s",
        f"{median(count * BEHIND / each[0] for each in found):,.0f}",
        f"{median(each[1] for each in found):.0%}",
        f"{median(each[2] for each in found):.0%}",
    )
    table.note(f"medians of {rounds} rounds, from the first that connects")
    return table


def _herd(served: Served, session: str, count: int) -> tuple[float, float, float]:
    head = served.get(f"/api/sessions/{session}")
    cursor = f"{head['epoch']}-{head['last'] - BEHIND}"
    opened, knocking = Readers(), select.epoll()
    request = upgrade_request(served.address, f"/api/sessions/{session}/ws?after={cursor}")
    waiting: dict[int, socket.socket] = {}
    theirs, ours, began = Busy(served.pid), Busy(), time.monotonic()
    with ExitStack() as stack:
        come = 0
        while opened.events < count * BEHIND:
            now = time.monotonic() - began
            while come < min(count, now / SECONDS * count):
                connection = stack.enter_context(socket.socket())
                connection.setblocking(False)
                connection.connect_ex(served.address)
                waiting[connection.fileno()] = connection
                knocking.register(connection.fileno(), select.EPOLLOUT)
                come += 1
            for fd, _ in knocking.poll(0, 1024):
                connection = waiting.pop(fd)
                knocking.unregister(fd)
                connection.send(request)
                opened.add(connection)
            opened.count(0.001)
            if opened.ended or now > 120:
                raise SystemExit(f"{opened.events:,} events came, {opened.ended} readers were cut")
        took = time.monotonic() - began
        return took, theirs.seconds() / took, ours.seconds() / took

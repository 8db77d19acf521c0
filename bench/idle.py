"""What costs while nothing happens: connected readers, and sessions that are over."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.contest import EVENT_STREAMS, OURS, OURS_SSE, WEBSOCKETS
from bench.figures import percentile
from bench.keepstream import server
from bench.machine import proportional
from bench.peers import Kind
from bench.readers import readers
from bench.size import Size
from bench.stored import store_closed
from bench.table import Table

KILO = 1000


def idle(size: Size) -> str:
    """Both tables."""
    return f"{idle_readers(size)}\n{closed_sessions(size)}"


def idle_readers(size: Size) -> Table:
    """The table of readers: what each adds to the server's memory."""
    count = size.of(5000, 200)
    table = Table(
        f"{count:,} readers of one session that had one event, memory of the server for each",
        ["server", "WebSocket", "SSE"],
    )
    pairs = {
        "ours": (OURS, OURS_SSE),
        **{name: (WEBSOCKETS[name], EVENT_STREAMS[name]) for name in ("nchan", "queues")},
    }
    found: dict[str, list[float]] = {}
    for name, kinds in pairs.items():
        if kinds[0].lacking:
            table.note(f"left out: {name} ({kinds[0].lacking}: `make bench-peers`)")
        else:
            found[name] = [_memory(kind, count) for kind in kinds]
            table.row(kinds[0].label, *(f"{each / KILO:.1f} KB" for each in found[name]))
    if "nchan" in found:
        pairs_of = zip(found["ours"], found["nchan"], strict=True)
        table.row("Keepstream : nchan", *(f"{ours / theirs:.2f}" for ours, theirs in pairs_of))
    table.note("proportional set size, without what the kernel holds for a socket")
    return table


def _memory(kind: Kind, count: int) -> float:
    with ExitStack() as stack:
        peer = stack.enter_context(kind.start(1))
        publisher = stack.enter_context(peer.publisher(0))
        first = stack.enter_context(readers([peer.reader(0)]))
        before = sum(map(proportional, peer.pids))
        opened = stack.enter_context(readers(peer.reader(0) for _ in range(count)))
        publisher.sendall(peer.render(range(1, 2), time.monotonic_ns()))
        opened.until(count)
        first.until(1)
        return (sum(map(proportional, peer.pids)) - before) / count


def closed_sessions(size: Size) -> Table:
    """The table of sessions: start, memory, and a page of the list."""
    table = Table(
        "Closed sessions in the store",
        ["sessions", "start", "memory of the server", "a page of 100, p50", "p99"],
    )
    for count in (0, size.of(100_000, 2000)):
        table.row(f"{count:,}", *_stored(count))
    table.note("start: until it listens, a new process with its imports")
    return table


def _stored(count: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="stored") as folder:
        store_closed(Path(folder), count)
        with server(Path(folder)) as served:
            memory = proportional(served.pid)
            pages, path = [], "/api/sessions?limit=100"
            for _ in range(100):
                began = time.monotonic()
                page = served.get(path)
                pages.append((time.monotonic() - began) * 1e3)
                following = page.get("next")
                path = "/api/sessions?limit=100" + (f"&before={following}" if following else "")
            return [
                f"{served.start_seconds:.2f} s",
                f"{memory / 1e6:.1f} MB",
                f"{percentile(pages, 50):.1f} ms",
                f"{percentile(pages, 99):.1f} ms",
            ]

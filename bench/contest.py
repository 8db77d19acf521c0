"""Who takes part, and what each is given: sessions, publishers, readers."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from shutil import which

from bench.events import lines
from bench.feeder import Feeder
from bench.keepstream import pipes, server
from bench.machine import Busy
from bench.peers import (
    Kind,
    Peer,
    foreign_python,
    lacking_node,
    lacking_python,
    nchan,
    program,
    python,
    socketio,
    sse,
    version_of,
    ws,
)
from bench.peers import node as js
from bench.peers.durable import durable_streams
from bench.peers.llama_agents import llama_agents
from bench.readers import Readers, readers
from bench.size import Size
from bench.table import Table


@contextmanager
def _keepstream(sessions: int, *, websocket: bool) -> Iterator[Peer]:
    with server() as served, pipes(served, sessions) as lent:
        names = list(lent)
        open_reader = served.websocket if websocket else served.event_stream
        yield Peer(
            [served.pid],
            lambda session: open_reader(names[session]),
            lambda session: lent[names[session]],
            lines,
        )


OURS_ALWAYS = ("ours", "store", "bare")  # whatever peers are asked for
KEEPS = "every event committed (SQLite, FULL) before it is sent"
OURS = Kind(f"Keepstream: {KEEPS}", partial(_keepstream, websocket=True))
OURS_SSE = Kind(f"Keepstream: {KEEPS}", partial(_keepstream, websocket=False))
NOTHING = "keeps nothing on disk"
_NCHAN = f"nchan {nchan.version()} in nginx (C): messages in shared memory, {NOTHING}"

WEBSOCKETS = {
    "nchan": Kind(_NCHAN, nchan.websockets, nchan.lacking()),
    "ws": Kind(f"Node `ws` {version_of('ws')}: {NOTHING}", ws(js("ws.js")), lacking_node("ws")),
    "socket.io": Kind(
        f"socket.io {version_of('socket.io')} with state recovery, in memory: {NOTHING}",
        lambda _sessions: program(js("socketio.js"), "", socketio.join),
        lacking_node("socket.io"),
    ),
    "queues": Kind(
        f"aiohttp with a queue and a task for each reader, `send_json`: {NOTHING}",
        ws(python("queues")),
    ),
}
_DURABLE = f"@durable-streams/server {version_of('@durable-streams/server')}"
LACKING_LLAMA = lacking_python("llama_agents")
_LACKING_REDIS = lacking_python("redis") or ("" if which("redis-server") else "redis-server")

EVENT_STREAMS = {
    "nchan": Kind(_NCHAN, nchan.event_streams, nchan.lacking()),
    "redis": Kind(
        f"Redis Pub/Sub behind an SSE handler of aiohttp: {NOTHING}",
        sse(foreign_python("redis_sse")),
        _LACKING_REDIS,
    ),
    "durable-streams": Kind(
        f"{_DURABLE} with its file store", durable_streams, lacking_node("@durable-streams/server")
    ),
    "llama-agents": Kind(
        f"llama-agents-server, run in the server, in memory: {NOTHING}",
        partial(llama_agents, stored=False),
        LACKING_LLAMA,
    ),
    "llama-agents-sqlite": Kind(
        "llama-agents-server, run in the server, its SQLite store",
        partial(llama_agents, stored=True),
        LACKING_LLAMA,
    ),
    "queues": Kind(
        f"aiohttp with a queue and a task for each reader: {NOTHING}", sse(python("queues"))
    ),
}
BARE = Kind("a bare loop of `send`, the floor on this machine; no server", ws(python("bare")))
STORE = Kind("the least that commits (SQLite, FULL) before it sends", ws(python("store")))


@dataclass
class Side:
    """One that takes part."""

    label: str
    readers: Readers
    feeder: Feeder
    pids: Sequence[int]

    def busy(self) -> Busy:
        """How busy its processes are from now on."""
        return Busy(*self.pids)


def enter(stack: ExitStack, kind: Kind, sessions: int, readers_each: int) -> Side:
    """Start one, with publishers into its sessions and readers of them."""
    peer = stack.enter_context(kind.start(sessions))
    publishers = [stack.enter_context(peer.publisher(each)) for each in range(sessions)]
    connections = (peer.reader(n) for n in range(sessions) for _ in repeat(None, readers_each))
    opened = stack.enter_context(readers(connections))
    return Side(kind.label, opened, Feeder(publishers, peer.render), peer.pids)


def installed(kinds: dict[str, Kind], size: Size, table: Table) -> dict[str, Kind]:
    """Those that are here and asked for; the others are named below the table."""
    taken, unasked = {}, []
    for name, kind in kinds.items():
        if size.peers and name not in size.peers and name not in OURS_ALWAYS:
            unasked.append(name)
        elif kind.lacking:
            table.note(f"left out: {name} ({kind.lacking}: `make bench-peers`)")
        else:
            taken[name] = kind
    if unasked:
        table.note(f"not asked for: {', '.join(unasked)}")
    return taken

"""Many subscribers at once: a herd that comes back, readers that do not read."""

import asyncio
import random
from datetime import UTC, datetime
from statistics import quantiles
from typing import Any

from chaos import sockets
from chaos.arena import PATIENCE, Arena
from chaos.reader import Reader
from chaos.reluctant import Reluctant
from chaos.scenario import scenario

WIRES = ("ws", "sse")
BEHIND = 1000
SESSIONS = 50
MEMORY = 1 << 30


def _client(arena: Arena, session: str, number: int, **options: Any) -> Reluctant:
    dice = random.Random(arena.dice.random())
    wire = WIRES[number % len(WIRES)]
    return arena.join(
        Reluctant(address=arena.server, session=session, transport=wire, dice=dice, **options)
    )


@scenario("herd", size=5000, ci=300, unit="clients")
async def herd(arena: Arena) -> None:
    """Clients that were all cut off come back within a second, each 1,000 events behind."""
    await arena.serve(MAX_RUNS=SESSIONS)
    sessions = [arena.word("s") for _ in range(min(SESSIONS, arena.size // 20))]
    for session in sessions:
        await arena.start("steady", session, events=5)
    clients = [_client(arena, sessions[i % len(sessions)], i) for i in range(arena.size)]
    arena.require(await arena.current() is not None, "all were there before")
    for client in clients:
        client.leave()
    behind = [await arena.start("steady", s, events=BEHIND, size=30) for s in sessions]
    await arena.ended(behind)
    last = {session: await arena.api.last(session) for session in sessions}
    least = min(last[client.seen.session] - client.offset for client in clients)
    arena.require(least >= BEHIND, f"one was only {least} events behind")
    before = arena.server.resident()
    began = asyncio.get_running_loop().time()
    for client in clients:
        client.come_back(within=1.0)
    most = await _while_current(arena, before)
    for client in clients:
        arena.figure("connected again", client.came - began)
    arena.figure("server memory at most", most / 1e6, unit="MB", most=MEMORY / 1e6)
    refused = [refusal for client in clients for refusal in client.refusals]
    arena.require(not refused, f"refused: {refused[:3]}")


async def _while_current(arena: Arena, most: int) -> int:
    waiting = asyncio.create_task(arena.current(within=4 * PATIENCE))
    while not waiting.done():
        most = max(most, arena.server.resident())
        await asyncio.sleep(0.02)
    seconds = await waiting
    arena.require(seconds is not None, "all are current again")
    if seconds is not None:
        arena.figure("all current", seconds)
    return most


HEALTHY = 100
#: Events that more than fill every buffer between the server and one that does not read.
FILL, FILL_SIZE = 600, 1000
RATE, PACED = 100, 2000  # so many that the slowest hundredth is no single hiccup of the machine


class Stopwatch:
    """How old events are when the healthy have them; the child and they share one clock."""

    def __init__(self) -> None:
        self.ages: list[float] = []

    def __call__(self, _: int, event: bytes) -> None:
        """Note the age of one event."""
        at = event.index(b'"time":"') + 8
        emitted = datetime.fromisoformat(event[at : at + 26].decode()).replace(tzinfo=UTC)
        self.ages.append((datetime.now(UTC) - emitted).total_seconds())


@scenario("never-read", size=1000, ci=60, unit="stalled", needs=(sockets.lacking,))
async def never_read(arena: Arena) -> None:
    """Readers that never read, beside 100 healthy ones of the same session."""
    await arena.serve()
    session, watch = arena.word("s"), Stopwatch()
    healthy = [
        arena.read(session, WIRES[i % 2], watch=watch) for i in range(min(HEALTHY, arena.size))
    ]
    alone = await _ages(arena, session, healthy, watch)
    before, kernel = arena.server.resident(), sockets.queued(arena.server.port)
    stalled = [_client(arena, session, i, after="now") for i in range(arena.size)]
    await arena.current(stalled)
    for each in stalled:
        each.stall()
    beside = await _ages(arena, session, healthy, watch)
    resident = (arena.server.resident() - before) / len(stalled)
    queued = (sockets.queued(arena.server.port) - kernel) / len(stalled)
    arena.figure("resident for each stalled", resident / 1024, unit="KiB")
    arena.figure("with the kernel's part", (resident + queued) / 1024, unit="KiB", most=128)
    arena.figure("healthy p99 alone", alone * 1000, unit="ms")
    arena.figure("healthy p99 beside them", beside * 1000, unit="ms", most=2 * alone * 1000)
    arena.require(max(each.offset for each in stalled) < healthy[0].offset, "the stalled stall")
    for each in stalled:
        each.read_on()
    seconds = await arena.current(stalled, within=4 * PATIENCE)
    arena.require(seconds is not None, "the stalled resume")
    arena.figure("the stalled current again", seconds or 0.0)


async def _ages(arena: Arena, session: str, healthy: list[Reader], watch: Stopwatch) -> float:
    """Fill every buffer; then the 99th percentile of the ages of paced events, in seconds."""
    await arena.ended([await arena.start("steady", session, events=FILL, size=FILL_SIZE)])
    await arena.current(healthy)
    watch.ages.clear()
    await arena.ended(
        [await arena.start("steady", session, events=min(PACED, 5 * arena.size), rate=RATE)]
    )
    await arena.current(healthy)
    return quantiles(watch.ages, n=100)[98]


DRIPPING = 50
SLOW_SECONDS = 70  # until `bye` `slow`, the end of the socket, and some more


@scenario("slow-drip", size=90, ci=2, unit="seconds", needs=(sockets.lacking,))
async def slow_drip(arena: Arena) -> None:
    """Readers that take one byte a second, then read on."""
    await arena.serve()
    session = arena.word("s")
    await arena.ended([await arena.start("steady", session, events=FILL, size=FILL_SIZE)])
    slow = [_client(arena, session, i, receive_buffer=4096) for i in range(DRIPPING)]
    for each in slow:
        each.stall()
    for _ in range(arena.size):
        await asyncio.sleep(1.0)
        for each in slow:
            each.sip()
    for each in slow:
        each.read_on()
    arena.require(await arena.current(slow) is not None, "they come to the end of the log")
    connections = [each.connections for each in slow]
    arena.figure("connections of each", max(connections), unit="")
    if arena.size > SLOW_SECONDS:
        arena.require(min(connections) > 1, "who takes nothing for a minute is sent away")

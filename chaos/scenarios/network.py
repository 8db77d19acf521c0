"""Connections are cut, and peers go silent behind a link that is down."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos import namespace
from chaos.arena import Arena
from chaos.namespace import Namespace
from chaos.network import BadNetwork, Ending, Plan
from chaos.reader import TRANSPORTS
from chaos.reluctant import Reluctant
from chaos.scenario import scenario
from chaos.server import Server

LANES = 16
#: One connection in ten stalls: its reader has to find out by itself, and waits for that.
FATES: tuple[Ending, ...] = ("close",) * 4 + ("reset",) * 4 + ("half_close", "stall")
#: Before which byte a connection is cut: in the handshake, in the first frames, anywhere.
REACHES = (200, 2_000, 30_000)
SILENCE = 1.0


def fate(dice: random.Random) -> Plan:
    """Every connection is cut, one in eight on its way to the server."""
    ending = dice.choice(FATES)
    drip = dice.choice((None, None, None, 1, 7, 200))
    if dice.random() < 1 / 8:
        return Plan(up=dice.randint(0, 250), ending=ending, drip=drip)
    return Plan(down=dice.randint(0, dice.choice(REACHES)), ending=ending, drip=drip)


@scenario("cuts", size=20_000, ci=400, unit="cuts")
async def cuts(arena: Arena) -> None:
    """Connections are cut at random bytes of handshake, header, payload and line."""
    await arena.serve(HEARTBEAT_SECONDS=SILENCE / 3)
    async with BadNetwork(arena.server.port, fate, arena.seed) as network:

        async def lane() -> None:
            while network.cuts < arena.size:
                await _one_run(arena, network)

        async with asyncio.TaskGroup() as lanes:
            for _ in range(LANES):
                lanes.create_task(lane())
        arena.figure("cut", network.cuts, unit="connections")
        for ending, count in sorted(network.fates.items()):
            arena.figure(f"by {ending}", count, unit="")
    errors = [line for line in arena.server.log.open() if '"level":"error"' in line]
    arena.require(not errors, f"a cut is no error of the server: {errors[:1]}")


async def _one_run(arena: Arena, network: BadNetwork) -> None:
    session, seed = arena.word("s"), arena.dice.randrange(1 << 30)
    readers = [
        arena.read(session, each, address=network, until="run", silence=SILENCE)
        for each in TRANSPORTS
    ]
    await arena.start("steady", session, events=40, rate=200, seed=seed)
    for reader in readers:
        await arena.over(reader)


HEARTBEAT = 1.0
FOUND = 3 * HEARTBEAT
DEAF = 4
STREAMS = ("ws", "sse")


@dataclass(frozen=True)
class Near:
    """The server as it is seen from inside a namespace."""

    host: str
    server: Server

    @property
    def port(self) -> int:
        """Its port, the same everywhere."""
        return self.server.port


def _far(arena: Arena, inside: Namespace, session: str, transport: str, **more: Any) -> Reluctant:
    more["dice"] = random.Random(arena.dice.random())
    more["address"] = Near(inside.near, arena.server)
    return arena.join(Reluctant(make=inside.socket, session=session, transport=transport, **more))


async def _serve_everywhere(arena: Arena) -> None:
    await arena.serve(HOST="0.0.0.0", ALLOW_ANONYMOUS=1, HEARTBEAT_SECONDS=HEARTBEAT)


async def _subscribers(arena: Arena, count: int, *sessions: str) -> None:
    """Wait until the server knows of so many."""
    async with asyncio.timeout(60):
        while sum([(await arena.api.session(s))["subscribers"] for s in sessions]) != count:
            await asyncio.sleep(0.02)


async def _descriptors(arena: Arena) -> Counter[str]:
    await arena.api.release()
    return Counter(arena.server.descriptors())


async def _back_at(arena: Arena, before: Counter[str]) -> None:
    """Wait for the sockets that were aborted to be closed."""
    try:
        async with asyncio.timeout(5):
            while surplus := await _descriptors(arena) - before:
                await asyncio.sleep(0.05)
    except TimeoutError:
        arena.require(False, f"descriptors beyond those before they came: {dict(surplus)}")


async def _endless(arena: Arena, session: str) -> Path:
    """Start a run that emits until the returned file is there."""
    stop = arena.folder / arena.word("stop")
    run = await arena.start("until_told", session, stop=str(stop), rate=20 / HEARTBEAT)
    await arena.until(lambda: arena.journal(run).acked > 0)
    return stop


@scenario("half-open", size=100, ci=20, unit="peers", needs=(namespace.lacking,))
async def half_open(arena: Arena) -> None:
    """Peers vanish behind a link that goes down, and one that only does not read stays."""
    inside = arena.enter(Namespace())
    await _serve_everywhere(arena)
    await _deaf(arena, inside)
    busy, quiet = arena.word("s"), arena.word("s")
    await arena.api.insist("POST", "/api/sessions", {"id": quiet})
    stop = await _endless(arena, busy)
    before = await _descriptors(arena)
    for number in range(arena.size):
        session, transport = (busy, quiet)[number // 2 % 2], STREAMS[number % 2]
        _far(arena, inside, session, transport, silence=FOUND)
    await _subscribers(arena, arena.size, busy, quiet)
    inside.down()
    began = time.monotonic()
    await _subscribers(arena, 0, busy)
    arena.figure("found, something to send", time.monotonic() - began, most=FOUND)
    await _subscribers(arena, 0, quiet)
    arena.figure("found, heartbeats only", time.monotonic() - began, most=FOUND)
    await _back_at(arena, before)
    inside.up()
    arena.require(await arena.current() is not None, "all come back")
    stop.touch()
    await arena.ended(arena.runs)


async def _deaf(arena: Arena, inside: Namespace) -> None:
    """Readers that do not read outlast the time after which the dead are found."""
    session = arena.word("s")
    await arena.ended([await arena.start("steady", session, events=600, size=1000)])
    deaf = [_far(arena, inside, session, STREAMS[n % 2]) for n in range(DEAF)]
    for each in deaf:
        each.stall()
    await _subscribers(arena, DEAF, session)
    await asyncio.sleep(FOUND + HEARTBEAT)
    there = (await arena.api.session(session))["subscribers"]
    arena.require(there == DEAF, f"{DEAF - there} readers that only do not read were cut")
    for each in deaf:
        each.read_on()
    arena.require(await arena.current(deaf) is not None, "those that did not read resume")
    arena.require(all(each.connections == 1 for each in deaf), "on the same connections")


@scenario("old-outlives-new", size=20, ci=2, unit="moves", needs=(namespace.lacking,))
async def old_outlives_new(arena: Arena) -> None:
    """A connection goes silent, its client resumes on another, the old one times out."""
    inside = arena.enter(Namespace())
    await _serve_everywhere(arena)
    for _ in range(0, arena.size, len(STREAMS)):
        await _move(arena, inside)


async def _move(arena: Arena, inside: Namespace) -> None:
    """One client of each transport moves to another connection, of the same session."""
    session = arena.word("s")
    stop = await _endless(arena, session)
    old = [_far(arena, inside, session, each, silence=FOUND) for each in STREAMS]
    await arena.until(lambda: min(each.offset for each in old) > 2)
    inside.down()
    new = [arena.read(session, each.transport, after=each.cursor) for each in old]
    await _subscribers(arena, len(old) + len(new), session)
    await _subscribers(arena, len(new), session)
    reached = max(each.offset for each in new)
    await arena.until(lambda: min(each.offset for each in new) > reached)
    kept = all(each.connections == 1 for each in new)
    arena.require(kept, "the new connections outlive the ends of the old ones")
    inside.up()
    stop.touch()
    await arena.ended(arena.runs)

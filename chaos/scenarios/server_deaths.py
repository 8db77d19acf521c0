"""The server dies, is stopped or is replaced, while runs emit and subscribers watch."""

import asyncio
import time

from chaos.arena import Arena
from chaos.scenario import scenario
from chaos.traffic import Traffic

SERVING, CURRENT = 2.0, 3.0
HEARTBEAT = 1.0
LIFE = 0.4
"""Seconds that a server lives on average; most die while they are being found again."""
LONG = 10
"""One life in so many begins all runs that are asked for, however slow the machine is."""
FAILED = 86
"""The exit code of a server that came to its failpoint."""

#: The point, and how often it may be passed before the server dies there.
POINTS = {
    "fork.before_record": 3,
    "record.before_start": 3,
    "start.after": 3,
    "commit.before_ack": 60,
    "commit.before_send": 60,
    "ack.before_send": 40,
    "outcome.before_commit": 3,
    "outcome.before_ack": 3,
}


async def _again(arena: Arena, traffic: Traffic, **settings: object) -> None:
    """Begin the next life, and wait until everybody who is watching has what there is."""
    began = time.monotonic()
    arena.figure("serving again", await arena.server.start(**settings), most=SERVING)
    await _caught_up(arena, traffic, began)


async def _caught_up(arena: Arena, traffic: Traffic, began: float) -> None:
    if await arena.current(traffic.subscribers) is None:
        raise TimeoutError(f"subscribers did not come to the end of the log\n{arena.server.said()}")
    arena.figure("subscribers current", time.monotonic() - began, most=CURRENT)
    traffic.check()


@scenario("kill-server", size=1000, ci=50, unit="kills")
async def kill_server(arena: Arena) -> None:
    """The server is killed with -9 at random moments under load."""
    await arena.serve(HEARTBEAT_SECONDS=HEARTBEAT)
    async with Traffic(arena) as traffic:
        for number in range(arena.size):
            await asyncio.sleep(arena.dice.expovariate(1 / LIFE))
            if number % LONG == 0:
                await traffic.begun()
            arena.server.kill()
            await _again(arena, traffic)


@scenario("failpoints", size=80, ci=8, unit="kills")
async def failpoints(arena: Arena) -> None:
    """The server dies at each of its named points, between fork and record, commit and ack, …."""
    await arena.serve(HEARTBEAT_SECONDS=HEARTBEAT)
    async with Traffic(arena, readers=20, events=(10, 60)) as traffic:
        for number in range(arena.size):
            point, most = list(POINTS.items())[number % len(POINTS)]
            arena.server.kill()
            armed = f"{point}:{arena.dice.randint(1, most)}"
            arena.server.spawn(FAILPOINTS=armed)
            try:
                code = await arena.server.gone(30)
                arena.require(code == FAILED, f"at {armed} the server ended with {code}")
            except TimeoutError:
                arena.require(False, f"the server never came to {armed}")
                arena.server.kill()
            await _again(arena, traffic)


@scenario("deploys", size=100, ci=4, unit="restarts")
async def deploys(arena: Arena) -> None:
    """The server is replaced by SIGTERM under load, its runs go on."""
    await arena.serve(HEARTBEAT_SECONDS=HEARTBEAT, STOP_RUNS="leave")
    async with Traffic(arena) as traffic:
        for _ in range(arena.size):
            await asyncio.sleep(arena.dice.random())
            code, seconds = await arena.server.terminate()
            arena.require(code == 0, f"SIGTERM ended the server with {code}")
            arena.figure("exit after SIGTERM", seconds, most=10.0)
            await _again(arena, traffic)

"""Runs that mean no good: to the pipe, and to the machine."""

import asyncio
import time
from pathlib import Path

from chaos import proc
from chaos.arena import Arena, together
from chaos.flows.daemons import WAYS
from chaos.flows.hostile import BREACHES, HARMLESS
from chaos.scenario import scenario
from chaos.verdict import Expected

AT_ONCE = 4
GRACE = 0.5
AFTER = 1.0
"""Seconds after the grace in which everything of a run must be gone."""

CRASHED = {"error:workflow_crashed"}
#: How a run ends that is cancelled when its daemons are up, and how one ends by itself.
ENDINGS = {
    "returns": {"complete"},
    "raises": {"error:workflow_error"},
    "exits": CRASHED,
    "is_killed": CRASHED,
    "waits": {"complete"},
    "ignores": {"error:workflow_unresponsive"},
}
CANCELLED = ("waits", "ignores")


@scenario("hostile-children", size=520, ci=26, unit="runs")
async def hostile_children(arena: Arena) -> None:
    """Children forge frames, numbers, outcomes and identities beside runs that must not notice."""
    await arena.serve(CANCEL_GRACE_SECONDS=GRACE)
    hello, stop = arena.folder / "hello", arena.folder / "stop"
    victim = await arena.start("careless", hello=str(hello), stop=str(stop))
    other = await arena.start("until_told", stop=str(stop), rate=100)
    for run in (victim, other):
        for transport in ("ws", "sse", "poll"):
            arena.read(run.session, transport)
    await arena.until(hello.exists)
    ways = [[*BREACHES, *HARMLESS][n % (len(BREACHES) + len(HARMLESS))] for n in range(arena.size)]
    arena.dice.shuffle(ways)

    async def one(way: str) -> None:
        ends = {"error:protocol_error"} if way in BREACHES else {"complete"}
        run = await arena.start("hostile", ends=ends, way=way, victim=str(hello))
        began = time.monotonic()
        if not await arena.ended([run], 20):
            arena.require(False, f"{way}: the run did not end by itself")
            await arena.api.insist("POST", f"/api/runs/{run.run}/cancel")
        arena.figure("hostile run, whole", time.monotonic() - began)

    await together(AT_ONCE, [lambda way=way: one(way) for way in ways])  # type: ignore[misc]
    stop.touch()
    await arena.ended([victim, other])


@scenario("daemons", size=200, ci=12, unit="runs")
async def daemons(arena: Arena) -> None:
    """Runs leave daemons, double forks and deaf processes behind, some over the server's death."""
    await arena.serve(CANCEL_GRACE_SECONDS=GRACE)
    for first in range(0, arena.size, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, arena.size))
        dies = arena.dice.random() < 0.2
        runs = [await _leaving(arena, number, unseen=dies) for number in numbers]
        if dies:
            arena.server.kill()
            await arena.server.start()
        await asyncio.gather(*(_buried(arena, run, mark, ending) for run, mark, ending in runs))


async def _leaving(arena: Arena, number: int, *, unseen: bool) -> tuple[Expected, str, str]:
    """Start one; ``unseen`` says that it may die while there is no server."""
    ending = list(ENDINGS)[number % len(ENDINGS)]
    ways = arena.dice.sample(list(WAYS), 3)
    # Told apart by how long they would sleep, which a clean environment does not hide.
    mark = f"{10**6 + number}.{arena.dice.randrange(10**9):09d}"
    ends = ENDINGS[ending]
    ends = ends | {"error:run_lost"} if unseen and ends == CRASHED else ends
    run = await arena.start("leaves_behind", ends=ends, mark=mark, ways=ways, ending=ending)
    return run, mark, ending


async def _buried(arena: Arena, run: Expected, mark: str, ending: str) -> None:
    """End it if it does not by itself, and count what is left of it in time."""
    if ending in CANCELLED:
        await arena.until(lambda: len(arena.journal(run).intended) > 0)
        await arena.api.insist("POST", f"/api/runs/{run.run}/cancel")
    await arena.ended([run])
    began = time.monotonic()
    while (left := _called(mark)) and time.monotonic() < began + GRACE + AFTER:
        await asyncio.sleep(0.02)
    arena.figure("end of a run to the last of its processes", time.monotonic() - began, most=1.5)
    if left:
        told = [f"{pid} {proc.command(pid)[:60]}" for pid in left]
        arena.found("leaked_processes", f"{run.run} ({ending}): {told}", len(left))
        for pid in left:
            proc.end(pid)


def _called(mark: str) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if mark in proc.command(pid) and proc.alive(pid)]

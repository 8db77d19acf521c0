"""The wall clock is set while runs emit and time-outs count."""

import asyncio
import time

from chaos import clock
from chaos.arena import Arena
from chaos.clock import Clock
from chaos.scenario import scenario
from chaos.traffic import Traffic

DAY, HOUR = 86_400, 3_600
JUMPS = (DAY, -DAY, HOUR, -HOUR, 3, -3, 0)
TIMEOUT = 0.5  # of the workflow `overstays`
GRACE = 0.5


@scenario("clock-jumps", size=60, ci=4, unit="jumps", needs=(clock.lacking,))
async def clock_jumps(arena: Arena) -> None:
    """The wall clock jumps by up to a day, both ways, while runs emit and time-outs count."""
    wall = Clock(arena.folder / "clock")
    settings = {"HEARTBEAT_SECONDS": 0.5, "CANCEL_GRACE_SECONDS": GRACE}
    await arena.serve(**settings, **wall.environment)
    async with Traffic(arena, runs=3, readers=15, events=(20, 100)) as traffic:
        for _ in range(arena.size):
            timed = await arena.start("overstays", ends={"error:workflow_timeout"})
            began = time.monotonic()
            await arena.until(lambda: arena.journal(timed).begins > 0)  # noqa: B023
            wall.set(arena.dice.choice(JUMPS))
            arena.require(await arena.ended([timed]), "what takes too long is ended")
            took = time.monotonic() - began
            arena.require(took >= TIMEOUT, f"a time-out of {TIMEOUT} s came after {took:.3f} s")
            arena.figure("time-out to end", took - TIMEOUT, most=GRACE + 1.0)
            await asyncio.sleep(arena.dice.random() * 0.2)
            traffic.check()
    cut = [reader.seen.name for reader in arena.readers if reader.cuts]
    arena.require(not cut, f"connections were cut: {cut[:3]}")

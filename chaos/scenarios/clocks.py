"""The wall clock is set while runs emit and time-outs count."""

import asyncio
import time
from datetime import datetime, timedelta

from chaos import clock
from chaos.arena import Arena
from chaos.clock import Clock
from chaos.scenario import scenario
from chaos.traffic import Traffic

DAY, HOUR = 86_400, 3_600
JUMPS = (DAY, -DAY, HOUR, -HOUR, 3, -3, 0)
TIMEOUT = 0.5  # of the workflow `overstays`
GRACE = 0.5


@scenario("clock-jumps", size=60, ci=3, unit="jumps", needs=(clock.lacking,))
async def clock_jumps(arena: Arena) -> None:
    """The wall clock jumps by up to a day, both ways, while runs emit and time-outs count."""
    wall = Clock(arena.folder)
    await arena.serve(HEARTBEAT_SECONDS=0.5, CANCEL_GRACE_SECONDS=GRACE, **wall.environment)
    ends = []
    async with Traffic(arena, runs=3, readers=15, events=(20, 100)) as traffic:
        for jump in [DAY, -DAY, *arena.dice.choices(JUMPS, k=arena.size)][: arena.size]:
            ends.append(await _timed_out(arena, wall, jump))
            await asyncio.sleep(arena.dice.random() * 0.2)
            traffic.check()
    arena.require(max(ends) - min(ends) > timedelta(hours=1), "the clock was set")
    cut = [reader.seen.name for reader in arena.readers if reader.cuts]
    arena.require(not cut, f"connections were cut: {cut[:3]}")


async def _timed_out(arena: Arena, wall: Clock, jump: int) -> datetime:
    """Set the clock while a time-out counts, which must come neither too soon nor too late.

    Returns what the clock of the server said at the end.
    """
    asked = time.monotonic()
    run = await arena.start("overstays", ends={"error:workflow_timeout"})
    await arena.until(lambda: arena.journal(run).begins > 0)
    begun = time.monotonic()
    wall.set(jump)
    arena.require(await arena.ended([run]), "what takes too long is ended")
    ended = time.monotonic()
    arena.require(ended - asked >= TIMEOUT, f"a time-out of {TIMEOUT} s came early")
    arena.figure("end after the time-out", ended - begun - TIMEOUT, most=GRACE + 1.0)
    return datetime.fromisoformat((await arena.api.run(run.run))["ended"])

"""Workflows that emit and end in order."""

import asyncio
import time
from pathlib import Path

from chaos.flows.journaling import Noted
from workflows import Context, workflow


@workflow
def steady(  # noqa: PLR0917 (a workflow's input)
    ctx: Context,
    journal: str,
    events: int,
    rate: float = 0,
    seed: int = 0,
    size: int = 60,
) -> int:
    """Emits ``events`` at ``rate`` a second (0: as fast as they go in)."""
    noted = Noted(ctx, journal, seed, size)
    for _ in range(events):
        noted.emit()
        time.sleep(noted.pause(rate))
    return noted.k


@workflow
async def steady_async(  # noqa: PLR0917
    ctx: Context,
    journal: str,
    events: int,
    rate: float = 0,
    seed: int = 0,
    size: int = 60,
) -> int:
    """The same as a coroutine."""
    noted = Noted(ctx, journal, seed, size)
    for _ in range(events):
        noted.emit()
        await asyncio.sleep(noted.pause(rate))
    return noted.k


@workflow
def until_told(  # noqa: PLR0917
    ctx: Context, journal: str, stop: str, rate: float = 20, seed: int = 0, size: int = 60
) -> int:
    """Emits until the file ``stop`` exists."""
    noted = Noted(ctx, journal, seed, size)
    while not Path(stop).exists():
        noted.emit()
        time.sleep(noted.pause(rate))
    return noted.k

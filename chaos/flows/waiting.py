"""Workflows that wait on the event loop only: where the wall clock is faked, plain sleeps fail."""

import asyncio
import contextlib

from chaos.flows.journaling import Noted
from workflows import Context, workflow


@workflow(timeout=0.5)
async def waits(ctx: Context, journal: str) -> None:
    """Takes more time than it may and swallows what would end it."""
    noted = Noted(ctx, journal)
    noted.emit()
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

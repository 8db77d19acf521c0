"""A workflow to try a bad connection with: cut it, restore it, and miss no number."""

import asyncio
from typing import Annotated

from msgspec import Meta

from workflows import Context, workflow

Seconds = Annotated[int, Meta(ge=1, le=3600, description="how long the countdown takes")]
Step = Annotated[float, Meta(ge=0.01, le=60, description="seconds from one number to the next")]


@workflow
async def countdown(ctx: Context, seconds: Seconds = 30, step: Step = 1.0) -> str:
    """Count down to zero, one event each second."""
    steps = max(1, round(seconds / step))
    async with ctx.agent("Counter", task=f"count down from {steps}") as counter:
        for done in range(steps):
            counter.progress(done, steps, label=f"{steps - done} …")
            await asyncio.sleep(step)
        counter.progress(steps, steps, label="zero")
    return "Liftoff!"

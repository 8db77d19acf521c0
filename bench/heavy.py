"""A workflow whose imports take a second: what a fork server is for."""

import pandas
import pydantic_ai

from bench.events import data
from workflows import Context, workflow


@workflow
async def heavy(ctx: Context) -> list[str]:
    """Say something at once."""
    ctx.emit("agent_delta", data(), agent="Coder")
    return [pandas.__version__, pydantic_ai.__version__]

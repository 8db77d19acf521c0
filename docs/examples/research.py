"""Agents inside one another and side by side, with everything that they can say."""

import asyncio
from typing import Annotated, Any

from msgspec import Meta

from workflows import Context, workflow

Rounds = Annotated[int, Meta(ge=1, le=5, description="how often to look")]


@workflow(timeout=600)
async def research(ctx: Context, topic: str, rounds: Rounds = 2) -> dict[str, Any]:
    """Look a topic up in several places at once, and sum it up."""
    async with ctx.agent("Supervisor", task="plan") as supervisor:
        for word in ("One ", "agent ", "each ", "round."):
            supervisor.delta(word, message="plan")
        supervisor.message("One agent each round.", message="plan")
        found = await asyncio.gather(*(search(ctx, topic, n) for n in range(rounds)))
        supervisor.output = {"found": found}
        supervisor.handoff("Reporter", task="sum up")
    ctx.progress(rounds, rounds + 1, "searched")
    async with ctx.agent("Reporter") as reporter:
        reporter.artifact("report.md", "text/markdown", text=f"# {topic}\n")
    ctx.emit("billed", {"pages": len(found)})
    return {"topic": topic, "found": found}


async def search(ctx: Context, topic: str, number: int) -> str:
    """Let one agent search; its span tells it from the others of its name."""
    async with ctx.agent("Searcher", task=f"search {number}") as searcher:
        call = searcher.tool_call("search", {"q": topic, "page": number})
        await asyncio.sleep(0)
        searcher.tool_result(call, output=["a page"])
    return f"page {number}"

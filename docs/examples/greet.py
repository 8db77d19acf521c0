"""The smallest workflow that has an agent."""

from workflows import Context, workflow


@workflow
async def greet(ctx: Context, name: str = "you") -> str:
    """Say hello."""
    async with ctx.agent("Greeter") as greeter:
        greeter.message(f"Hello {name}!")
    return "done"

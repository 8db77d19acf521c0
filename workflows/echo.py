"""The smallest workflow there is."""

from workflows import Context, workflow


@workflow
async def echo(ctx: Context, text: str = "Hello!") -> str:
    """Say a text back."""
    async with ctx.agent("Echo") as agent:
        agent.message(text)
    return text

"""A workflow that asks a person."""

from workflows import Context, workflow


@workflow
async def approval(ctx: Context, amount: float) -> str:
    """Pay an amount once somebody has said yes."""
    async with ctx.agent("Clerk") as clerk:
        clerk.message(f"This would cost {amount:.2f}.")
        if not await ctx.ask("Pay?", schema={"type": "boolean"}):
            return "refused"
        clerk.message("Paid.")
    return "paid"

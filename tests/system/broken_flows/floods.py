"""Prints while it is imported, and is sound otherwise."""

from workflows import Context, workflow

print("x" * 100_000)


@workflow
def sound(ctx: Context) -> str:
    """Is sound."""
    return "sound"

"""Has a workflow whose name another module has too."""

from workflows import Context, workflow


@workflow(name="same")
def same_two(ctx: Context) -> str:
    """Says which one it is."""
    return "two"

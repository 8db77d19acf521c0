"""Write a workflow: a function that takes a `Context` and tells its readers what it does.

    from workflows import Context, workflow

    @workflow
    async def greet(ctx: Context, name: str = "you") -> str:
        \"""Say hello.\"""
        async with ctx.agent("Greeter") as greeter:
            greeter.message(f"Hello {name}!")
        return "done"

Put the file in a package that the server's setting `WORKFLOWS` names. `echo` is the smallest one
here, `countdown` the one to try a bad connection with.
"""

from workflows.runtime.context import Agent, Context
from workflows.runtime.registration import workflow

__all__ = ["Agent", "Context", "workflow"]

"""The edge between the agents and the run that they are told in."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_ai import Agent, UsageLimits
from pydantic_ai.models import Model

from workflows.strategy.desk import Desk
from workflows.strategy.narration import Narration
from workflows.strategy.thinking import prompt

if TYPE_CHECKING:
    from workflows import Agent as Block
    from workflows import Context

Answer = TypeVar("Answer")
_LIMITS = UsageLimits(request_limit=25, tool_calls_limit=40)  # what a model may spend on one task


class Team:
    """One run's agents around a desk. `think` gives each, by its name, the model it thinks with."""

    def __init__(
        self, ctx: "Context", desk: Desk, think: Callable[[str], Model], rounds: int
    ) -> None:
        self.desk = desk
        self._ctx = ctx
        self._think = think
        self._messages = count(1)
        self._done, self._steps = 0, 4 + 3 * rounds

    def block(self, name: str, task: str) -> "Block":
        """The block in which an agent speaks."""
        return self._ctx.agent(name, task=task)

    async def ask(self, agent: Agent[Desk, Answer], block: "Block", task: dict[str, Any]) -> Answer:
        """Let an agent work on its assignment, tell all of it to `block`, return its answer."""
        done = await agent.run(
            prompt(task),
            deps=self.desk,
            model=self._think(str(agent.name)),
            usage_limits=_LIMITS,
            event_stream_handler=Narration(block, self._messages),
        )
        return done.output

    async def together(self, work: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Run side by side; the first failure cancels the others and is raised as it is."""
        try:
            async with asyncio.TaskGroup() as group:
                for each in work:
                    group.create_task(each)
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def done(self, label: str) -> None:
        """One step of the whole is done."""
        self._done += 1
        self._ctx.progress(self._done, self._steps, label)

    def skip(self, steps: int) -> None:
        """These steps were not needed."""
        self._done += steps

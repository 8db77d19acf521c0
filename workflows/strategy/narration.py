"""From pydantic-ai's events to ours: text as it is written, and every call with its result."""

from collections.abc import AsyncIterable, Iterator
from typing import TYPE_CHECKING, Any

import pydantic_core
from pydantic_ai import RunContext
from pydantic_ai.messages import (
    AgentStreamEvent,
    FunctionToolCallEvent,
    OutputToolCallEvent,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolResultEvent,
    ToolReturnPart,
)

if TYPE_CHECKING:
    from workflows import Agent as Block


class Narration:
    """Tells one agent's run to its block. Give it to `Agent.run` as `event_stream_handler`.

    A text's pieces carry an id, taken from `ids`, and so does the whole text that follows them. An
    answer that is given through a tool is not told, unless it was refused.
    """

    def __init__(self, block: "Block", ids: Iterator[int]) -> None:
        self._block = block
        self._ids = ids
        self._message = ""
        self._calls: dict[str, str] = {}
        self._answers: dict[str, ToolCallPart] = {}

    async def __call__(
        self, _run: RunContext[Any], events: AsyncIterable[AgentStreamEvent]
    ) -> None:
        """Tell the events of one step of the run."""
        async for event in events:
            self.tell(event)

    def tell(self, event: AgentStreamEvent) -> None:
        """Tell one event; the kinds that no reader needs are passed over."""
        match event:
            case PartStartEvent(part=TextPart(content=text)):
                self._message = f"m{next(self._ids)}"
                self._delta(text)
            case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                self._delta(text)
            case PartEndEvent(part=TextPart(content=text)) if text:
                self._block.message(text, message=self._message)
            case FunctionToolCallEvent(part=part):
                self._call(part)
            case OutputToolCallEvent(part=part):
                self._answers[part.tool_call_id] = part
            case ToolResultEvent(part=part):
                self._result(part)
            case _:
                pass

    def _delta(self, text: str) -> None:
        if text:
            self._block.delta(text, message=self._message)

    def _call(self, part: ToolCallPart) -> None:
        arguments = _plain(part.args_as_dict())
        self._calls[part.tool_call_id] = self._block.tool_call(part.tool_name, arguments)

    def _result(self, part: ToolReturnPart) -> None:
        answer = self._answers.pop(part.tool_call_id, None)
        if answer is not None and part.outcome != "success":
            self._call(answer)
        call = self._calls.pop(part.tool_call_id, None)
        if call is None:
            return
        if part.outcome == "success":
            self._block.tool_result(call, output=_plain(part.content))
        else:
            self._block.tool_result(call, error=part.model_response_str(wrap_if_error=False))


def _plain(value: Any) -> Any:
    # A model may write NaN, which is no JSON and which emitting refuses.
    return pydantic_core.from_json(pydantic_core.to_json(value, inf_nan_mode="strings"))

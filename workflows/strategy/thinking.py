"""What the agents think with: a model from the environment, or functions that need no key."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai.messages import ModelMessage, ToolReturnPart, UserPromptPart
from pydantic_ai.models import Model, infer_model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel

SETTING = "KEEPSTREAM_MODEL"
_PROMPT = "Your assignment, as JSON:\n"


class ModelSettingError(ValueError):
    """`KEEPSTREAM_MODEL` names a model that cannot be used. The message says what to change."""


@dataclass(frozen=True, slots=True)
class Move:
    """What a policy does next: speak, then call tools, or answer and be done.

    `answer` is the fields of the agent's answer; None while tools are called, and for an agent that
    answers in words.
    """

    say: str
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: dict[str, Any] | None = None


Policy = Callable[[dict[str, Any], list[Any]], Move]
"""A pure function of the assignment and of the results of all tools called so far."""


def prompt(assignment: Mapping[str, Any]) -> str:
    """The assignment as every model gets it."""
    return _PROMPT + json.dumps(assignment)


def configured(environment: Mapping[str, str] = os.environ) -> Model | None:
    """The model that `KEEPSTREAM_MODEL=provider:name` names, or None where it names none.

    Raises `ModelSettingError` for an unknown provider, a missing package or a missing key.
    """
    name = environment.get(SETTING, "").strip()
    if not name:
        return None
    if not re.fullmatch(r"[^:\s]+:\S+", name):
        raise ModelSettingError(f"{SETTING}={name}: write it as provider:name, as openai:gpt-5")
    try:
        return infer_model(name)
    except Exception as error:  # each provider's client has errors of its own
        raise ModelSettingError(f"{SETTING}={name} cannot be used: {error}") from error


def scripted(policy: Policy, pace: float) -> Model:
    """A model that follows `policy` and speaks one word every `pace` seconds."""

    async def stream(
        messages: list[ModelMessage], info: AgentInfo
    ) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        move = policy(_assignment(messages), _results(messages))
        for word in re.findall(r"\S+\s*", move.say):
            yield word
            await asyncio.sleep(pace)
        calls = list(move.calls)
        if move.answer is not None:
            calls.append((info.output_tools[0].name, move.answer))
        for number, (tool, arguments) in enumerate(calls, start=1):
            call = f"{tool}-{len(messages)}-{number}"
            yield {number: DeltaToolCall(tool, json.dumps(arguments), tool_call_id=call)}

    return FunctionModel(stream_function=stream, model_name="search")


def _assignment(messages: list[ModelMessage]) -> dict[str, Any]:
    prompts = (
        part.content
        for message in messages
        for part in message.parts
        if isinstance(part, UserPromptPart)
    )
    assignment: dict[str, Any] = json.loads(str(next(prompts)).removeprefix(_PROMPT))
    return assignment


def _results(messages: list[ModelMessage]) -> list[Any]:
    return [
        part.content
        for message in messages
        for part in message.parts
        if isinstance(part, ToolReturnPart)
    ]

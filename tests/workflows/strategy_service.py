"""A fake of a paid model service: OpenAI's chat completions, streamed, that thinks by policy."""

import json
import re
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from workflows.strategy.policies import POLICIES
from workflows.strategy.thinking import Move

AGENTS = {
    "coverage": "Supervisor",
    "inspect_prices": "DataAgent",
    "evaluate": "CodeGenerator",
    "backtest": "Backtester",
    "compare": "Critic",
    "results": "Reporter",
}
"""Which agent has which tool: all that the service can know of who asks."""


class ModelService:
    """Answers under `/v1` whoever shows `key`; counts in `asked` how often it did."""

    def __init__(self, key: str) -> None:
        self.asked = 0
        self._key = key
        self.app = web.Application()
        self.app.router.add_post("/v1/chat/completions", self._complete)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] != f"Bearer {self._key}":
            return web.json_response({"error": {"message": "no such key"}}, status=401)
        self.asked += 1
        asked = await request.json()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for delta in _deltas(_think(asked), self.asked):
            await response.write(b"data: " + json.dumps(_chunk(delta)).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response


def _think(asked: dict[str, Any]) -> Move:
    tools = {tool["function"]["name"] for tool in asked["tools"]}
    (agent,) = (AGENTS[tool] for tool in tools & set(AGENTS))
    said = asked["messages"]
    (assignment,) = (each["content"] for each in said if each["role"] == "user")
    results = [json.loads(each["content"]) for each in said if each["role"] == "tool"]
    return POLICIES[agent](json.loads(assignment[assignment.index("{") :]), results)


def _deltas(move: Move, number: int) -> Iterator[dict[str, Any]]:
    for word in re.findall(r"\S+\s*", move.say):
        yield {"role": "assistant", "content": word}
    calls = [*move.calls, *([("final_result", move.answer)] if move.answer is not None else [])]
    for index, (tool, arguments) in enumerate(calls):
        function = {"name": tool, "arguments": json.dumps(arguments)}
        call = {"index": index, "id": f"call_{number}_{index}", "type": "function"}
        yield {"role": "assistant", "tool_calls": [{**call, "function": function}]}


def _chunk(delta: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "completion",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "some-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }

"""A stage for the strategy's agents in the test's own process: a real Context, heard by it."""

import json
import socket
import threading
from collections import defaultdict
from types import TracebackType
from typing import Any, Self

from workflows import Context
from workflows.runtime import pipe
from workflows.runtime.inbox import Inbox
from workflows.runtime.outbox import Outbox
from workflows.strategy.desk import Desk
from workflows.strategy.policies import POLICIES
from workflows.strategy.team import Team
from workflows.strategy.thinking import scripted

Line = dict[str, Any]
STOCKS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


class Stage:
    """A Context whose events arrive in `events` when the block ends."""

    def __init__(self) -> None:
        self.events: list[Line] = []
        self._here, self._there = socket.socketpair()
        self._hearer = threading.Thread(target=self._hear)
        self._outbox = Outbox(printed=tuple)
        self.ctx = Context("r_1", self._outbox, Inbox())

    def __enter__(self) -> Self:
        self._outbox.connect(self._here, 0, lambda _on: None)
        self._hearer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._outbox.finish(pipe.completed(None), tuple)
        while self._hearer.is_alive():
            self._outbox.carry()
            self._hearer.join(0.001)
        self._here.close()
        self._there.close()

    def _hear(self) -> None:
        for raw in self._there.makefile("rb"):
            line: Line = json.loads(raw)
            if "outcome" in line:
                return
            self.events.append(line)

    def team(self, rounds: int, first: int = 2000, last: int = 2013) -> Team:
        """The team that searches without a model, as fast as it can."""
        desk = Desk(STOCKS, first, last, 5)
        return Team(self.ctx, desk, lambda agent: scripted(POLICIES[agent], 0), rounds)


def of_type(events: list[Line], kind: str) -> list[Line]:
    """The events of one type."""
    return [event for event in events if event["type"] == kind]


def artifacts(events: list[Line]) -> dict[str, str]:
    """The text of every artifact by name."""
    return {event["data"]["name"]: event["data"]["text"] for event in of_type(events, "artifact")}


def check_speech(events: list[Line]) -> None:
    """Assert that blocks enclose what is said, pieces join to texts, and calls have results."""
    open_spans: set[str] = set()
    pieces: dict[str, str] = defaultdict(str)
    calls: dict[str, str] = {}
    for event in events:
        kind, data, span = event["type"], event["data"], event.get("span")
        if kind == "agent_start":
            assert data.get("parent") is None or data["parent"] in open_spans
            open_spans.add(event["span"])
        elif span is not None:
            assert span in open_spans, event
        if kind in ("agent_complete", "agent_error"):
            open_spans.remove(event["span"])
        elif kind == "agent_delta":
            pieces[data["message"]] += data["text"]
        elif kind == "agent_message":
            assert pieces.pop(data["message"]) == data["text"]
        elif kind == "tool_call":
            calls[data["call"]] = data["tool"]
        elif kind == "tool_result":
            assert calls.pop(data["call"]) == data["tool"]
            assert ("output" in data) != ("error" in data)
    assert not open_spans
    assert not pieces
    assert not calls

"""What a workflow is given: `Context` to speak and ask, `Agent` to speak as one of its agents.

Every call that speaks may come from any thread (but not from a signal handler), and raises

- TypeError when the data is not JSON; the message names the path, as in `data.items[3].x`.
  NaN, infinities, lone surrogates, keys that are not strings and integers beyond 64 bits are not.
- ValueError for a type that is malformed or the server's own, and for an event over 1 MiB.
- asyncio.CancelledError where it would block after a stop was asked for. It blocks only while more
  than 16 MiB wait for the server.

None of these loses an earlier event, and the run goes on if the error is caught.
"""

import base64
import re
import time
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from msgspec import UNSET, UnsetType

from workflows.runtime import pipe
from workflows.runtime.checking import check
from workflows.runtime.failure import describe

if TYPE_CHECKING:
    from types import TracebackType

    from workflows.runtime.inbox import Inbox
    from workflows.runtime.outbox import Outbox

RESERVED_TYPES = frozenset(
    {
        *("run_start", "complete", "error", "cancelled"),
        *("input_request", "input_received", "log"),
        *("ready", "heartbeat", "reset", "bye", "ok", "refused", "pong"),
    }
)
"""Types that only the server or the runtime may write."""

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_current_span: ContextVar[str | None] = ContextVar("keepstream_span", default=None)


class Speaker:
    """What the workflow and its agents have in common."""

    def emit(self, type: str, data: dict[str, Any] | None = None) -> None:  # noqa: A002
        """Emit an event of a type of your own, matching `[a-z][a-z0-9_]{0,63}`."""
        raise NotImplementedError

    def progress(self, done: float, total: float, label: str | None = None) -> None:
        """Emit `progress`: so much of so much."""
        self.emit("progress", {"done": done, "total": total} | _given(label=label))

    def artifact(
        self, name: str, media_type: str, *, text: str | None = None, data: bytes | None = None
    ) -> None:
        """Emit `artifact`: something that was made, as text or as bytes (sent as base64)."""
        if (text is None) == (data is None):
            raise TypeError("an artifact has either text or data")
        coded = None if data is None else base64.b64encode(data).decode("ascii")
        content = _given(text=text, base64=coded)
        self.emit("artifact", {"name": name, "media_type": media_type} | content)


class Context(Speaker):
    """A run, from the inside."""

    def __init__(self, run: str, outbox: "Outbox", inbox: "Inbox") -> None:
        self.run = run
        """The run's id."""
        self._outbox = outbox
        self._inbox = inbox
        self._numbers = {kind: count(1) for kind in "sqc"}
        self._tools: dict[str, str] = {}

    def emit(
        self,
        type: str,  # noqa: A002
        data: dict[str, Any] | None = None,
        *,
        agent: str | None = None,
        span: str | None = None,
    ) -> None:
        """Emit an event of a type of your own, matching `[a-z][a-z0-9_]{0,63}`.

        `agent` says who speaks, `span` in which block. When this returns, the event is out of the
        process: even `os._exit` in the next line does not lose it.
        """
        if type in RESERVED_TYPES:
            raise ValueError(f"the type {type!r} is the server's own: choose another")
        if not _TYPE.fullmatch(type):
            raise ValueError(f"the type {type!r} must match {_TYPE.pattern}")
        self._put(type, {} if data is None else data, agent, span)

    def agent(self, name: str, *, task: str | None = None) -> "Agent":
        """Open a block of an agent, by `async with` or `with`.

        It emits `agent_start`, and `agent_complete` or, when an exception passes through,
        `agent_error`. Blocks may run side by side and inside one another.
        """
        return Agent(self, name, task)

    def ask(self, prompt: str, schema: dict[str, Any] | None = None) -> Any:
        """Ask the run's readers for an input, and wait for it: `await ctx.ask(…)` in async code.

        In code that no event loop runs, it blocks and returns the value. The value satisfies
        `schema` (JSON Schema). Raises asyncio.CancelledError when a stop is asked for.
        """
        if not isinstance(prompt, str):
            raise TypeError(f"prompt: must be a str, not {type(prompt).__qualname__}")
        if schema is not None and not isinstance(schema, dict):
            raise TypeError(f"schema: must be a dict, not {type(schema).__qualname__}")
        request = self._new_id("q")
        data = {"request": request, "prompt": prompt} | _given(schema=schema)

        def send() -> None:
            self._put("input_request", data, None, None)

        return self._inbox.ask(request, send)

    @property
    def cancelled(self) -> bool:
        """A stop was asked for.

        Async code need not look: the stop arrives as asyncio.CancelledError. Other code looks from
        time to time, and returns: the run is then `cancelled`, unless a value is returned, with
        which it is `complete`. Whoever does neither within the grace period is killed.
        """
        if self._inbox.stopped:
            self._inbox.stop_noticed = True
        return self._inbox.stopped

    def _put(self, type_: str, data: dict[str, Any], agent: str | None, span: str | None) -> None:
        if not isinstance(data, dict):
            raise TypeError(f"data: must be a dict, not {type(data).__qualname__}")
        check(data, "data")
        _check_name(agent, "agent")
        _check_name(span, "span")
        self._outbox.put(pipe.event(type_, data, agent, span))

    def _new_id(self, kind: str) -> str:
        return f"{kind}{next(self._numbers[kind])}"


class Agent(Speaker):
    """One block of an agent: what is said here carries its name and its span."""

    def __init__(self, ctx: Context, name: str, task: str | None) -> None:
        self.name = name
        self.span = ctx._new_id("s")
        """Tells this block from others of the same name."""
        self.output: object = UNSET
        """Set it to anything that is JSON, and `agent_complete` carries it."""
        self._ctx = ctx
        self._task = task
        self._parent: str | None = None
        self._entered = 0.0

    def emit(self, type: str, data: dict[str, Any] | None = None) -> None:  # noqa: A002
        """Emit an event of a type of your own, as this agent."""
        self._ctx.emit(type, data, agent=self.name, span=self.span)

    def message(self, text: str, *, message: str | None = None) -> None:
        """Emit `agent_message`: a whole text; `message` is its id where deltas came before."""
        self.emit("agent_message", {"text": text} | _given(message=message))

    def delta(self, text: str, *, message: str | None = None) -> None:
        """Emit `agent_delta`: the next piece of the text with the id `message`."""
        self.emit("agent_delta", {"text": text} | _given(message=message))

    def tool_call(
        self, tool: str, arguments: dict[str, Any] | None = None, *, call: str | None = None
    ) -> str:
        """Emit `tool_call` and return the call's id, a new one unless given."""
        call = self._ctx._new_id("c") if call is None else call
        self.emit("tool_call", {"tool": tool, "call": call, "arguments": arguments or {}})
        self._ctx._tools[call] = tool
        return call

    def tool_result(self, call: str, *, output: object = UNSET, error: str | None = None) -> None:
        """Emit `tool_result` for a call's id. Raises ValueError when there was no such call."""
        tool = self._ctx._tools.get(call)
        if tool is None:
            raise ValueError(f"there was no tool call {call!r}")
        self.emit("tool_result", {"tool": tool, "call": call} | _given(output=output, error=error))

    def handoff(self, to: str, *, task: str | None = None) -> None:
        """Emit `handoff`: the agent `to` goes on."""
        self.emit("handoff", {"to": to} | _given(task=task))

    def __enter__(self) -> Self:
        self._parent = _current_span.get()
        self.emit("agent_start", _given(task=self._task, parent=self._parent))
        _current_span.set(self.span)
        self._entered = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        _current_span.set(self._parent)  # not by a token: the exit may run in another context
        if error is not None:
            self.emit("agent_error", {"message": describe(error)})
            return
        seconds = round(time.monotonic() - self._entered, 6)
        try:
            self.emit("agent_complete", _given(output=self.output) | {"seconds": seconds})
        except (TypeError, ValueError) as unfit:
            self.emit("agent_error", {"message": f"output: {unfit}"})
            raise

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self.__exit__(kind, error, traceback)


def _check_name(value: object, name: str) -> None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name}: must be a str, not {type(value).__qualname__}")
    check(value, name)


def _given(**fields: object) -> dict[str, Any]:
    """The fields that have a value. None is one only for `output`, which is UNSET otherwise."""
    return {
        name: value
        for name, value in fields.items()
        if not isinstance(value, UnsetType) and (value is not None or name == "output")
    }

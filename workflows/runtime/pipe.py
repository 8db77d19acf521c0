"""The lines of the pipe between a run and the server, both ways. Pure: no I/O.

UTF-8 JSON Lines, at most 1 MiB each with the line end. What the child writes is built in two steps:
a *body* (everything but number and time), encoded outside any lock, then `numbered`, under it.
"""

from typing import Any

import msgspec

from workflows.runtime.checking import encode

MAX_LINE_BYTES = 1 << 20
PIPE_VERSION = 1


def hello(run: str, secret: str, sent: int, asking: list[str]) -> bytes:
    """The first line on every connection: `sent` is the last number given, `asking` what waits."""
    greeting = {"pipe": PIPE_VERSION, "run": run, "secret": secret, "sent": sent, "asking": asking}
    return encode({"hello": greeting}) + b"\n"


def event(
    kind: str, data: dict[str, Any], agent: str | None = None, span: str | None = None
) -> bytes:
    """The body of an event."""
    body: dict[str, object] = {"type": kind}
    if agent is not None:
        body["agent"] = agent
    if span is not None:
        body["span"] = span
    body["data"] = data
    return encode(body)


def completed(result: object) -> bytes:
    """The body of the outcome of a workflow that returned."""
    return encode({"outcome": "complete", "result": result})


def failed(code: str, message: str, detail: dict[str, str] | None = None) -> bytes:
    """The body of the outcome of one that did not: `workflow_error` or `limit_exceeded`."""
    error: dict[str, object] = {"code": code, "message": message}
    if detail is not None:
        error["detail"] = detail
    return encode({"outcome": "error", "error": error})


CANCELLED = encode({"outcome": "cancelled"})


def numbered(n: int, t: int, body: bytes) -> bytes:
    """The whole line: number `n`, time `t` in µs since 1970, and the body."""
    return b'{"n":%d,"t":%d,%b\n' % (n, t, body[1:])


class Welcome(msgspec.Struct):
    """The server knows the run; it has everything up to `ack`."""

    ack: int


class Start(msgspec.Struct):
    """Run the workflow, with this input (kept as JSON until the parameters' types are known)."""

    workflow: str
    input: msgspec.Raw


class Answer(msgspec.Struct):
    """The answer to a question that was asked with `ctx.ask`."""

    request: str
    value: Any


class Word(msgspec.Struct):
    """One line from the server. One of these is set; keys that are not known are ignored."""

    welcome: Welcome | msgspec.UnsetType = msgspec.UNSET
    start: Start | msgspec.UnsetType = msgspec.UNSET
    ack: int | msgspec.UnsetType = msgspec.UNSET
    input: Answer | msgspec.UnsetType = msgspec.UNSET
    cancel: str | msgspec.UnsetType | None = msgspec.UNSET
    end: bool = False


class Decoder:
    """Bytes from the server in, words out, wherever the bytes were cut."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._decode = msgspec.json.Decoder(Word).decode

    def feed(self, received: bytes) -> list[Word]:
        """Return the words that are complete now. Raises msgspec.DecodeError on anything else."""
        seen = len(self._held)
        self._held += received
        if self._held.find(b"\n", seen) < 0:
            return []
        *lines, rest = bytes(self._held).split(b"\n")
        self._held = bytearray(rest)
        return [self._decode(line) for line in lines]

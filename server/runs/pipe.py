"""The lines of the pipe, both directions. Pure: bytes in, events and facts out.

The rules of a child's lines (``docs/protocol.md``, "The pipe"):

* UTF-8 JSON Lines of at most 1 MiB, no raw CR, nested at most 128 deep;
* ``n`` counts 1, 2, 3, …; a repeated line is ignored, a gap is a breach;
* only the server writes :data:`server.events.SERVER_ONLY` types; ``log`` and ``input_request``
  come from the child's runtime and have a fixed shape;
* nothing counts after the outcome, nor after the first breach.

The envelope is decoded, ``data`` and ``result`` stay the bytes that they are. Of a key that comes
twice the last one counts, here as in every browser.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

from server.errors import ProtocolError
from server.events import ID, SERVER_ONLY, TYPE, Draft, between, compose, encode_json
from server.runs import schema
from server.runs.lines import Splitter, check_bytes, is_clean, too_long

VERSION = 1
MIDDLES = 256  # that a run's decoder keeps
TIME_LIMIT = 253_402_300_800_000_000  # µs: the year 10000, which RFC 3339 cannot write

MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

T = TypeVar("T")


class Hello(msgspec.Struct, frozen=True):
    """Who knocks: ``sent`` is the last number it gave out, ``asking`` the inputs it waits for."""

    pipe: int
    run: str
    secret: str
    sent: int = 0
    asking: list[str] = msgspec.field(default_factory=list)


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong in a workflow's own code, in its own words."""

    code: Literal["workflow_error", "limit_exceeded"]
    message: str
    detail: dict[str, Any] | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The last line of a run: the child's own word on how it ended."""

    n: int
    kind: Literal["complete", "error", "cancelled"]
    result: bytes = b"null"
    failure: Failure | None = None


class Batch:
    """What some bytes held: events in order, questions, last words, and at most one end."""

    __slots__ = ("asked", "breach", "drafts", "outcome", "words")

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.asked: dict[str, Any] = {}  # request id → schema, or None for any answer
        self.words: list[str] = []  # texts of stderr
        self.outcome: Outcome | None = None
        self.breach: str | None = None


class _Greeting(msgspec.Struct):
    hello: Hello


class _Line(msgspec.Struct, gc=False):
    n: int
    t: int
    type: str = ""
    outcome: Literal["complete", "error", "cancelled"] | None = None
    agent: str | None = None
    span: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Failure | None = None


class _Speaker(msgspec.Struct, omit_defaults=True):
    agent: str | None = None
    span: str | None = None


class _Log(msgspec.Struct):
    stream: Literal["stdout", "stderr"]
    text: str


class _Question(msgspec.Struct):
    request: str
    prompt: str
    schema: dict[str, Any] | bool | None = None


_decode_greeting = msgspec.json.Decoder(_Greeting).decode
_decode_line = msgspec.json.Decoder(_Line).decode
_decode_log = msgspec.json.Decoder(_Log).decode
_decode_question = msgspec.json.Decoder(_Question).decode


class Decoder:
    """A run's lines, as drafts of events. Never raises: what is wrong is the batch's ``breach``."""

    __slots__ = ("_middles", "_over", "_run", "_splitter", "last")

    def __init__(self, run: str, last: int = 0) -> None:
        self.last = last  # the number of the last line that counted
        self._run = run
        self._splitter = Splitter()
        #: By type, agent and span, what its events have between their time and their data.
        self._middles: dict[tuple[str, str | None, str | None], bytes] = {}
        self._over = False

    def feed(self, data: bytes) -> Batch:
        """Decode what was read, whole lines only; empty after an outcome or a breach."""
        batch = Batch()
        if self._over:
            return batch
        try:
            block = self._splitter.feed(data)
            if block is not None:
                self._take(block, batch)
            if self._splitter.overlong and batch.outcome is None:
                raise too_long()
        except ProtocolError as error:
            batch.breach = error.message
        self._over = batch.outcome is not None or batch.breach is not None
        return batch

    def start_over(self) -> None:
        """What is fed next comes from another stream, and begins with a whole line."""
        self._splitter.forget()

    def _take(self, block: bytes, batch: Batch) -> None:
        clean = is_clean(block)
        for line in block.split(b"\n"):
            if not clean:
                check_bytes(line)
            try:  # not by _decode: this is done for every event
                read = _decode_line(line)
            except MALFORMED as error:
                raise ProtocolError(f"the line after {self.last}: {error}") from None
            if read.n != self.last + 1:
                if 1 <= read.n <= self.last:
                    continue
                raise ProtocolError(f"line {read.n} came after line {self.last}")
            if not 0 <= read.t < TIME_LIMIT:
                raise ProtocolError(f"line {read.n}: t is not a time in µs since 1970")
            if read.outcome is None:
                batch.drafts.append(self._event(read, batch))
            else:
                batch.outcome = _outcome(read)
            self.last = read.n
            if batch.outcome is not None:
                return

    def _event(self, read: _Line, batch: Batch) -> Draft:
        data = bytes(read.data)
        if not data.startswith(b"{"):
            raise ProtocolError(f"line {read.n}: data is not an object")
        middle = self._middles.get((read.type, read.agent, read.span))
        if middle is None:
            middle = self._middle(read)
        if read.type == "log":
            _take_log(data, read.n, batch)
        elif read.type == "input_request":
            _take_question(data, read.n, batch)
        return compose(read.type, middle, data, read.t, read.n)

    def _middle(self, read: _Line) -> bytes:
        if TYPE.fullmatch(read.type) is None or read.type in SERVER_ONLY:
            raise _bad_type(read.type, read.n)
        said = encode_json(_Speaker(read.agent, read.span))[1:-1]
        if len(self._middles) == MIDDLES:
            self._middles.clear()
        middle = between(read.type, self._run, said + b"," if said else b"")
        self._middles[read.type, read.agent, read.span] = middle
        return middle


def read_hello(line: bytes) -> Hello:
    """The first line of a connection; raises :class:`ProtocolError`."""
    check_bytes(line)
    return _decode(_decode_greeting, line, "the first line").hello


# What the server says.


def welcome(ack: int) -> bytes:
    """The child is known; everything up to ``ack`` is committed."""
    return b'{"welcome":{"ack":%d}}\n' % ack


def start(workflow: str, value: dict[str, Any]) -> bytes:
    """Let user code run; ``value`` is the workflow's input."""
    return encode_json({"start": {"workflow": workflow, "input": value}}) + b"\n"


def ack(n: int) -> bytes:
    """Everything up to ``n`` is committed."""
    return b'{"ack":%d}\n' % n


def cancel(reason: str) -> bytes:
    """End yourself, soon."""
    return encode_json({"cancel": reason}) + b"\n"


def answer(request: str, value: Any) -> bytes:
    """What ``request`` asked for."""
    return encode_json({"input": {"request": request, "value": value}}) + b"\n"


END = b'{"end":true}\n'  # this run is not yours: exit


def _bad_type(type_: str, n: int) -> ProtocolError:
    if type_ in SERVER_ONLY:
        return ProtocolError(f"line {n}: only the server writes events of type {type_!r}")
    return ProtocolError(f"line {n}: {type_[:80]!r} is not an event's type")


def _take_log(data: bytes, n: int, batch: Batch) -> None:
    log = _decode(_decode_log, data, f"line {n}: a log's data")
    if log.stream == "stderr":
        batch.words.append(log.text)


def _take_question(data: bytes, n: int, batch: Batch) -> None:
    question = _decode(_decode_question, data, f"line {n}: an input_request's data")
    if ID.fullmatch(question.request) is None:
        raise ProtocolError(f"line {n}: the request's id must match [A-Za-z0-9_-]{{1,64}}")
    if question.schema is not None and (said := schema.fault(question.schema)) is not None:
        raise ProtocolError(f"line {n}: what is asked for is not a JSON Schema: {said[:200]}")
    batch.asked[question.request] = question.schema


def _outcome(read: _Line) -> Outcome:
    if read.outcome == "error" and read.error is None:
        raise ProtocolError(f"line {read.n}: an outcome 'error' without an error")
    assert read.outcome is not None
    return Outcome(read.n, read.outcome, bytes(read.result), read.error)


def _decode(decoder: Callable[[bytes], T], line: bytes, what: str) -> T:
    try:
        return decoder(line)
    except MALFORMED as error:
        raise ProtocolError(f"{what}: {error}") from None

"""Events, cursors, and their one encoding. Pure.

An event becomes JSON once, in the workflow's process. The server never encodes its data again: it
puts ``offset``, ``time`` and ``run`` before the bytes that came and keeps the whole as one line of
UTF-8 without a raw CR or LF. The row in the log, the WebSocket frame and the SSE record are these
bytes, so live and history cannot differ.
"""

import re
import secrets
import string
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from server.errors import BadCursor, BadRequest

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")
CURSOR = re.compile(r"([a-z0-9]{4,16})-(0|[1-9][0-9]{0,17})")

#: How deep JSON that comes from outside may nest.
NESTING_LIMIT = 128

#: The types that end a run.
TERMINAL = frozenset({"complete", "error", "cancelled"})
#: Types that the child's runtime may send but a workflow's ``emit`` may not.
RUNTIME_ONLY = frozenset({"log", "input_request"})
#: Types that only the server writes, and the names of control frames: refused from the pipe.
SERVER_ONLY = TERMINAL | frozenset(
    {"run_start", "input_received", "ready", "heartbeat", "reset", "bye", "ok", "refused", "pong"}
)

encode_json = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True, gc=False):
    """One immutable line of a session's log.

    Not a tuple: tens of thousands are kept, and the garbage collector would look at each again and
    again. These hold nothing that could form a cycle, and it does not look at them.
    """

    offset: int
    type: str
    line: bytes  # the whole event as JSON, no line end


class Draft(msgspec.Struct, frozen=True, gc=False):
    """An event that has no offset yet: the log gives it one when it commits it."""

    type: str
    tail: bytes  # everything after the offset: ``"time":…,"type":…,"run":…,"data":{…}}``
    n: int = 0  # the number that its producer gave it; 0 for the server's own events

    def at(self, offset: int) -> Event:
        """This event at its place in the log."""
        return Event(offset, self.type, b'{"offset":%d,%b' % (offset, self.tail))


class Cursor(NamedTuple):
    """``<epoch>-<offset>``: "I have everything up to here"."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read a cursor; raises :class:`BadCursor` for anything that no server gave out."""
        match = CURSOR.fullmatch(text)
        if match is None:
            raise BadCursor(
                f"{text[:80]!r} is not a cursor: send one back as you got it"
                " (<epoch>-<offset>), 'now', or none at all to start from the first event",
                path="after",
            )
        return cls(match[1], int(match[2]))


def draft(
    type_: str,
    run: str,
    data: bytes,
    *,
    micros: int | None = None,
    speaker: bytes = b"",
    n: int = 0,
) -> Draft:
    """Put the server's fields before ``data``, which is a JSON object in UTF-8.

    ``micros`` is the child's wall clock at ``emit`` in µs since 1970 (default: now). ``speaker`` is
    empty or ``"agent":…,"span":…,`` already encoded, with the trailing comma.
    """
    at = time.time_ns() // 1000 if micros is None else micros
    return compose(type_, between(type_, run, speaker), data, at, n)


def between(type_: str, run: str, speaker: bytes = b"") -> bytes:
    """What stands between an event's time and its data: the same for many events of a run."""
    return b'"type":"%b","run":"%b",%b"data":' % (type_.encode(), run.encode(), speaker)


def compose(type_: str, middle: bytes, data: bytes, micros: int, n: int) -> Draft:
    """A draft as by :func:`draft`, its ``middle`` from :func:`between`."""
    seconds, fraction = divmod(micros, 1_000_000)
    tail = b'"time":"%b.%06dZ",%b%b}' % (_second(seconds), fraction, middle, data)
    return Draft(type_, tail, n)


def server_draft(type_: str, run: str, data: Mapping[str, Any]) -> Draft:
    """Write an event of the server's own."""
    return draft(type_, run, encode_json(data))


@lru_cache(maxsize=16)
def _second(seconds: int) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()


def timestamp(micros: int) -> str:
    """RFC 3339 in UTC with microseconds: ``2026-11-22T22:00:00.123456Z``."""
    seconds, fraction = divmod(micros, 1_000_000)
    return f"{_second(seconds).decode()}.{fraction:06d}Z"


def now() -> str:
    """The wall clock as :func:`timestamp`; data only, never an order or a duration."""
    return timestamp(time.time_ns() // 1000)


def new_epoch() -> str:
    """A fresh epoch: eight random characters of ``[a-z0-9]``."""
    return _random(8)


def new_id(prefix: str) -> str:
    """A fresh id of 128 random bits: ``r_…`` for a run, ``s_…`` for a session."""
    return f"{prefix}_{_random(25)}"


def _random(length: int) -> str:
    alphabet = string.ascii_lowercase + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(length))


def check_id(text: str, what: str) -> str:
    """``text`` if it may name something; raises :class:`BadRequest` before it is used anywhere."""
    if ID.fullmatch(text) is None:
        raise BadRequest(f"{what} must match [A-Za-z0-9_-]{{1,64}}", path=what)
    return text


_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # one down, one up, as signed bytes
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def too_deep(json: bytes) -> bool:
    """Whether brackets outside strings nest too deep. Unbalanced ones may count as deep.

    To be asked before a decoder sees the bytes: its own limit may be the C stack.
    """
    if json.count(b"{") + json.count(b"[") <= NESTING_LIMIT:
        return False
    # Every other piece between quotes is outside strings, once escaped quotes are gone.
    outside = b"".join(json.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    steps = memoryview(outside.translate(_STEPS, _NOT_BRACKETS)).cast("b")
    return max(accumulate(steps), default=0) > NESTING_LIMIT

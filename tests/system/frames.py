"""What arrives on the three transports, cut into frames by rules as strict as the contract's."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

CURSOR = re.compile(r"[a-z0-9]{4,16}-(0|[1-9][0-9]*)")
SSE_FIELDS = ("id", "event", "data", "retry")


class Cut(Exception):
    """The connection ended without a `bye`."""


class Refused(Exception):
    """The server refused: an HTTP status, or a WebSocket's close code."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(f"{code} {message}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Frame:
    """One event (`kind` is "event", `raw` its exact bytes) or one control frame (`kind` its type).

    `cursor` is the `id:` of an event stream's record, and None elsewhere.
    """

    kind: str
    raw: bytes
    body: dict[str, Any]
    cursor: str | None = None

    @property
    def offset(self) -> int:
        """The event's offset."""
        return int(self.body["offset"])


def websocket_frames(text: str, *, arrays: bool = False) -> Iterator[Frame]:
    """Yield the frames of one text message: an event has an offset, a control frame has none.

    With `arrays` the message is one control frame or an array of events, each in its own bytes.
    """
    said = json.loads(text)
    if arrays and isinstance(said, list):
        assert said, "an array without an event"
        for raw in msgspec.json.decode(text, type=list[msgspec.Raw]):
            body = json.loads(bytes(raw))
            assert "offset" in body, text
            yield Frame("event", bytes(raw), body)
        return
    assert isinstance(said, dict), text
    assert not (arrays and "offset" in said), f"an event outside an array: {text}"
    yield Frame("event" if "offset" in said else said["type"], text.encode(), said)


class _Addressed(msgspec.Struct, forbid_unknown_fields=True):
    session: str | None
    frame: msgspec.Raw


def addressed_frames(text: str, *, arrays: bool = False) -> Iterator[tuple[str | None, Frame]]:
    """Yield the frames of one message of a connection of many sessions, each with its session."""
    said = msgspec.json.decode(text, type=_Addressed)
    for frame in websocket_frames(bytes(said.frame).decode(), arrays=arrays):
        yield said.session, frame


class EventStream:
    """Cuts the bytes of `text/event-stream` into records; holds the format to the letter."""

    def __init__(self) -> None:
        self._left = b""
        self.retries: list[int] = []
        self._first = True

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Yield the frames that end in `chunk`; what is incomplete waits, and dies with a cut."""
        assert b"\r" not in chunk, "an event stream has LF line ends"
        *records, self._left = (self._left + chunk).split(b"\n\n")
        for record in records:
            yield from self._frames(record)

    def _frames(self, record: bytes) -> Iterator[Frame]:
        lines = [_field(line) for line in record.split(b"\n")]
        names = [name for name, _ in lines]
        fields = dict(lines)
        if self._first:
            assert names[0] == "retry" and fields["retry"] == b"1000", record
            self._first = False
        if "retry" in fields:
            self.retries.append(int(fields.pop("retry")))
            names.remove("retry")
        if names:
            yield _record(record, names, fields)


def _field(line: bytes) -> tuple[str, bytes]:
    """Return a line's name and value; a comment's name is a colon."""
    if line.startswith(b":"):
        return ":", line[1:]
    name, _, value = line.partition(b": ")
    return name.decode(), value


def _record(record: bytes, names: list[str], fields: dict[str, bytes]) -> Frame:
    cursor = fields["id"].decode()
    assert CURSOR.fullmatch(cursor), record
    if names[0] == ":":
        assert names[1:] == ["id"], record
        return Frame("heartbeat", record, {"type": "heartbeat", "cursor": cursor}, cursor)
    assert len(names) == len(set(names)), record
    assert set(names) <= set(SSE_FIELDS), record
    raw = fields["data"]
    body = json.loads(raw)
    if "event" in fields:
        kind = fields["event"].decode()
        assert kind in ("ready", "reset", "bye"), record
        assert body["type"] == kind, record
        return Frame(kind, raw, body, cursor)
    assert names == ["id", "data"], record
    assert cursor.endswith(f"-{body['offset']}"), record
    return Frame("event", raw, body, cursor)

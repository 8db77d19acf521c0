"""The client's side of the three transports, from bytes to frames. Pure: no I/O.

An event's frame is its bytes; a control frame is a dictionary. Nothing is checked here but what is
needed to cut the bytes up: what they say is the verdict's matter.
"""

import base64
import json
import os
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

Frame = bytes | dict[str, Any]
EVENT = b'{"offset":'


class BrokenStreamError(Exception):
    """Bytes that are not what the transport promises."""


class RefusedError(Exception):
    """The server answered with a status or a close code instead of a stream."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(f"{code} {text}")
        self.code = code


class Head:
    """Gathers the head of an HTTP answer."""

    def __init__(self) -> None:
        self._held = b""
        self.status = 0
        self.fields: dict[str, str] = {}

    def feed(self, data: bytes) -> bytes | None:
        """The bytes behind the head once it is whole, else None."""
        self._held += data
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not end:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        pairs = (line.partition(":") for line in lines)
        self.fields = {name.lower(): value.strip() for name, _, value in pairs}
        return rest


class Chunked:
    """Undoes the chunked transfer encoding (RFC 9112, section 7.1)."""

    def __init__(self) -> None:
        self._held = b""
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        """The body's bytes that have come."""
        held, found = self._held + data, []
        while (end := held.find(b"\r\n")) >= 0:
            size = int(held[:end].partition(b";")[0], 16)
            if len(held) < end + size + 4:
                break
            found.append(held[end + 2 : end + 2 + size])
            held = held[end + size + 4 :]
            self.ended |= size == 0
        self._held = held
        return b"".join(found)


class WebSocketFrames:
    """A WebSocket's frames after the handshake (RFC 6455, section 5.2), from a server."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield opcode and payload of what is complete; the server sends no fragments."""
        held = self._held
        held += data
        at, size = 0, len(held)
        try:
            while size - at >= 2:
                length, begin = held[at + 1], at + 2
                if length == 126:
                    begin = at + 4
                    length = int.from_bytes(held[at + 2 : begin], "big")
                elif length == 127:
                    begin = at + 10
                    length = int.from_bytes(held[at + 2 : begin], "big")
                elif length > 127:
                    raise BrokenStreamError("a masked frame from a server")
                if size < begin + length:
                    return
                opcode = held[at] & 0x0F
                payload = bytes(held[begin : begin + length])
                at = begin + length
                yield opcode, payload
        finally:
            del held[:at]


def masked(opcode: int, payload: bytes) -> bytes:
    """A frame of a client; the mask may be any, and zeros are the cheapest."""
    return struct.pack("!BB4x", 0x80 | opcode, 0x80 | len(payload)) + payload


def upgrade(host: str, path: str) -> bytes:
    """The request that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def get(host: str, path: str) -> bytes:
    """The request for an event stream or a page."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


class Records:
    """The records of an event stream."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield events and control frames; comments are passed over."""
        *records, self._held = (self._held + data).split(b"\n\n")
        for record in records:
            at = record.find(b"\ndata: ")
            if at >= 0:
                yield text(record[at + 7 :])


class Page(msgspec.Struct):
    """The answer to a long poll, its events as they are."""

    epoch: str
    first: int
    last: int
    state: str
    events: list[msgspec.Raw]
    next: str
    reset: Any = None


PAGE = msgspec.json.Decoder(Page)


def text(raw: bytes) -> Frame:
    """An event as its bytes, a control frame decoded."""
    if raw.startswith(EVENT):
        return raw
    frame: dict[str, Any] = json.loads(raw)
    return raw if "offset" in frame else frame


def offset(event: bytes) -> int:
    """An event's offset, which stands first."""
    if event.startswith(EVENT):
        return int(event[len(EVENT) : event.index(b",")])
    return int(json.loads(event)["offset"])

"""What goes over a WebSocket, as bytes: ``docs/protocol.md``, "WebSocket"."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.errors import BadRequest
from server.events import Event, encode_json


def frame(payload: bytes) -> bytes:
    """``payload`` as one final, unmasked text frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


class WebSocketEncoding:
    """One text frame for each event and each control frame."""

    def events(self, _epoch: str, events: Sequence[Event]) -> bytes:
        """All of ``events`` as the bytes of one write."""
        if len(events) == 1:
            return frame(events[0].line)
        return b"".join([frame(event.line) for event in events])

    def control(self, control: dict[str, Any]) -> bytes:
        """A control frame as a frame."""
        return frame(encode_json(control))


class ArrayEncoding(WebSocketEncoding):
    """The same, with events that are sent at once in one frame, as an array.

    Who asks for it spares a browser the work for a message, which is more than all that is done
    with an event: ``make bench-frames``.
    """

    def events(self, _epoch: str, events: Sequence[Event]) -> bytes:
        """All of ``events`` as one array, one event too."""
        return frame(array(events))


@dataclass(frozen=True)
class AddressedEncoding:
    """The same on a connection of many sessions: each payload beside the session that it is of.

    Two of one session are equal: readers on many connections are written the same bytes.
    """

    session: str | None  # None: of the connection itself
    arrays: bool

    def events(self, _epoch: str, events: Sequence[Event]) -> bytes:
        """All of ``events`` as the bytes of one write."""
        if self.arrays:
            return self._frame(array(events))
        return b"".join([self._frame(event.line) for event in events])

    def control(self, control: dict[str, Any]) -> bytes:
        """A control frame as a frame."""
        return self._frame(encode_json(control))

    def _frame(self, payload: bytes) -> bytes:
        # An id has nothing that JSON would escape.
        session = b"null" if self.session is None else b'"%b"' % self.session.encode()
        return frame(b'{"session":%b,"frame":%b}' % (session, payload))


def array(events: Sequence[Event]) -> bytes:
    """``events`` as a JSON array."""
    return b"[%b]" % b",".join([event.line for event in events])


ENCODING = WebSocketEncoding()
ARRAYS = ArrayEncoding()


def in_arrays(frames: str) -> bool:
    """Whether the query's ``frames`` asks for arrays; raises BadRequest for what means nothing."""
    if frames not in ("events", "arrays"):
        raise BadRequest("frames must be 'events' or 'arrays'", path="frames")
    return frames == "arrays"

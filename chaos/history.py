"""A session's log as it is read when everything has ended."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from chaos.journal import checksum
from chaos.seen import DIGEST_BYTES, digest

TERMINAL = ("complete", "error", "cancelled")
FORGED = "forged"
"""The type of events that hostile children write and that may be in no log."""


class Kept(NamedTuple):
    """What the verdict needs of an event. ``k`` is the child's own number, 0 where it gave none."""

    offset: int
    type: str
    end: str = ""
    k: int = 0
    checksum: int = 0


class _Event(msgspec.Struct):
    offset: int
    type: str
    run: str
    data: msgspec.Raw


class _Data(msgspec.Struct):
    k: int = 0
    pad: str = ""
    code: str = ""


_EVENT = msgspec.json.Decoder(_Event)
_DATA = msgspec.json.Decoder(_Data)


class History:
    """Events in the order in which the server gives them, by run."""

    def __init__(self, epoch: str = "", events: Iterable[bytes] = ()) -> None:
        self.epoch = epoch
        self.first = 1
        self.last = 0
        self.runs: dict[str, list[Kept]] = {}
        self.holes: list[tuple[int, int]] = []
        self._digests = bytearray()
        for event in events:
            self.add(event)

    def add(self, raw: bytes) -> None:
        """Take the next event."""
        event = _EVENT.decode(raw)
        if not self._digests:
            self.first = event.offset
        elif event.offset != self.last + 1:
            self.holes.append((self.last, event.offset))
        self.last = event.offset
        self._digests += digest(raw)
        self.runs.setdefault(event.run, []).append(_kept(event))

    def digest(self, offset: int) -> bytes | None:
        """Of one event, None where there is none."""
        found = self.digests_from(offset, 1) if offset >= self.first else b""
        return bytes(found) or None

    def digests_from(self, offset: int, count: int) -> bytearray:
        """Of ``count`` events, fewer at the end."""
        begin = (offset - self.first) * DIGEST_BYTES
        return self._digests[begin : begin + count * DIGEST_BYTES]


def _kept(event: _Event) -> Kept:
    if event.type == "tick":
        data = _DATA.decode(event.data)
        return Kept(event.offset, event.type, k=data.k, checksum=checksum(data.pad))
    if event.type == "error":
        return Kept(event.offset, event.type, f"error:{_error_code(event.data)}")
    return Kept(event.offset, event.type, event.type if event.type in TERMINAL else "")


def _error_code(data: msgspec.Raw) -> str:
    found: Any = msgspec.json.decode(data)
    return str(found.get("code"))

"""From bytes to lines, and the rules of a line that concern bytes only. Pure.

The cheap checks look at all lines of a read at once.
"""

from server.errors import ProtocolError
from server.events import NESTING_LIMIT, too_deep

LINE_LIMIT = 1 << 20


class Splitter:
    """Cuts a stream into lines, however its bytes arrive."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> bytes | None:
        """The lines that ``data`` completes, joined as they came, without the last line end."""
        end = data.rfind(b"\n")
        if end == len(data) - 1 and not self._rest:  # nearly always: a child writes whole lines
            return data[:end] if data else None
        if end < 0:
            self._rest += data
            return None
        block = bytes(self._rest) + data[:end]
        self._rest = bytearray(memoryview(data)[end + 1 :])
        return block

    def forget(self) -> None:
        """Drop the line that is still open: its end will not come."""
        self._rest = bytearray()

    @property
    def overlong(self) -> bool:
        """Whether the line that is still open is too long already."""
        return len(self._rest) > LINE_LIMIT


def is_clean(block: bytes) -> bool:
    """Whether no line of ``block`` can break a rule that concerns bytes."""
    return (
        len(block) <= LINE_LIMIT
        and b"\r" not in block
        and block.count(b"{") + block.count(b"[") <= NESTING_LIMIT
        and _is_utf8(block)
    )


def check_bytes(line: bytes) -> None:
    """The same for one line; raises :class:`ProtocolError` with the rule that it breaks."""
    if len(line) > LINE_LIMIT:
        raise too_long()
    if b"\r" in line:
        raise ProtocolError("a line holds a raw CR")
    if not _is_utf8(line):
        raise ProtocolError("a line is not UTF-8")
    # Before anything recursive sees it: a decoder's own limit may be the C stack.
    if too_deep(line):
        raise ProtocolError(f"a line is nested more than {NESTING_LIMIT} deep")


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def too_long() -> ProtocolError:
    """The error for a line that may be longer still."""
    return ProtocolError(f"a line is longer than {LINE_LIMIT} bytes")

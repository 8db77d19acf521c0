"""What one subscriber saw: stretches of events that followed each other, and hashes of each."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

DIGEST_BYTES = 8


def digest(event: bytes) -> bytes:
    """The first bytes of the SHA-256 of an event: five thousand subscribers keep one for each."""
    return hashlib.sha256(event).digest()[:DIGEST_BYTES]


@dataclass(slots=True)
class Stretch:
    """Events with offsets ``first``, ``first + 1``, … as they came.

    ``signalled`` says that the server had announced the stretch: it was the first, or a reset.
    """

    epoch: str
    first: int
    signalled: bool
    digests: bytearray = field(default_factory=bytearray)

    def __len__(self) -> int:
        return len(self.digests) // DIGEST_BYTES

    @property
    def next(self) -> int:
        """The offset that would follow."""
        return self.first + len(self)

    def at(self, offset: int) -> bytes:
        """The digest of one event."""
        index = (offset - self.first) * DIGEST_BYTES
        return bytes(self.digests[index : index + DIGEST_BYTES])


@dataclass(slots=True)
class Seen:
    """A subscriber's journal. It judges nothing: whatever comes is noted as it comes."""

    session: str
    name: str = ""
    stretches: list[Stretch] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)

    def begin(self, epoch: str, after: int) -> None:
        """The server has said where it begins, or, after a reset, begins anew."""
        self.stretches.append(Stretch(epoch, after + 1, signalled=True))

    def reset(self, epoch: str, first: int, reason: str) -> None:
        """The server has said that the log cannot go on where the subscriber was."""
        self.resets.append(reason)
        self.begin(epoch, first - 1)

    def event(self, offset: int, event: bytes) -> None:
        """Note an event."""
        last = self.stretches[-1]
        if offset != last.next:
            last = Stretch(last.epoch, offset, signalled=False)
            self.stretches.append(last)
        last.digests += digest(event)

    @property
    def offset(self) -> int:
        """The last offset that came."""
        return self.stretches[-1].next - 1 if self.stretches else 0

    @property
    def cursor(self) -> str:
        """Where to go on."""
        return f"{self.stretches[-1].epoch}-{self.offset}" if self.stretches else ""


Watcher = Callable[[int, bytes], None]
"""Called with the offset and the bytes of each event that comes."""

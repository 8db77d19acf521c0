"""The live readers of a session that are written the same bytes.

They all stand at the log's end, so where they stand is kept once, and a thousand of them are
written to by a loop that touches nothing of a reader but the way to its socket.
"""

from collections.abc import Callable, Iterator, Sequence

from server import telemetry
from server.events import Event
from server.sessions.sink import Encoding
from server.sessions.subscription import Place, Subscription


class Crowd:
    """Readers of one encoding. Each stands at its ``place`` from joining to leaving."""

    __slots__ = ("_encoding", "_place", "_readers", "_transport")

    def __init__(self, encoding: Encoding, transport: str):
        self._encoding = encoding
        self._transport = transport
        self._place = Place()
        #: The ways to its socket are looked up when it joins, and not with each commit.
        self._readers: dict[Subscription, tuple[object, Callable[[bytes], int]]] = {}

    def __len__(self) -> int:
        return len(self._readers)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(tuple(self._readers))

    def join(self, reader: Subscription) -> None:
        """Write to ``reader``, which stands where all others do."""
        if not self._readers:
            self._place.offset = reader.offset  # nobody was there to move it
        assert reader.offset == self._place.offset, "who joins stands where all others do"
        self._readers[reader] = reader.sink.owed, reader.sink.send
        reader.stand_with(self._place)

    def leave(self, reader: Subscription) -> None:
        """Write to ``reader`` no more; it stands where it stood."""
        if self._readers.pop(reader, None) is not None:
            reader.stand_alone()

    def write(self, epoch: str, events: Sequence[Event], at: float) -> tuple[Subscription, ...]:
        """Hand everybody ``events``; who has left, since its socket does not drain.

        The kernel is asked first: the transport would ask it too, and has only what is left.
        """
        encoded = self._encoding.events(epoch, events)
        size, lagging = len(encoded), []
        for reader, (owed, send) in self._readers.items():
            taken = 0
            try:
                if not owed and (taken := send(encoded)) == size:
                    continue
            except OSError:
                pass  # takes nothing, or is gone: its transport finds that out
            if not reader.owe(encoded[taken:]):
                lagging.append(reader)
        for reader in lagging:
            self.leave(reader)  # before the place moves: they stay where they were left
        telemetry.BYTES_SENT.by_transport[self._transport] += size * len(self)
        self._place.offset = events[-1].offset
        self._place.sent += len(events)
        self._place.last_sent = at
        return tuple(lagging)

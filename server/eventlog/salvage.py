"""What is done when the journal is damaged: all that is whole in it goes into segments at once.

What is not stays behind in a table of its own, for whoever wants to look, and the journal begins
anew. A stretch that is missing then lies between two segments, where every reader is told of it.

Where the end of a session's log is lost, its next events get offsets that were given before: it
gets a new epoch. A damaged row usually still says whose events it had; where it does not, every
session might have lost its end, and all of them get one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import apsw
import msgspec

from server.errors import StoreDamaged
from server.eventlog import journal, rows, schema, segments
from server.eventlog.group import Entry
from server.eventlog.tail import Tail
from server.eventlog.threads import is_damage
from server.events import Event

NEW_EPOCH = "UPDATE sessions SET epoch = lower(hex(randomblob(4)))"


class Row(NamedTuple):
    """A row of the journal; ``entries`` are to be believed if it is ``whole``."""

    position: int
    size: int  # bytes
    whole: bool
    entries: list[Entry]


def rows_of(connection: apsw.Connection) -> Iterator[Row]:
    """The rows of the journal in order; one without entries cannot be read at all."""
    for position, crc, body in connection.execute("SELECT * FROM journal ORDER BY position"):
        whole = journal.checksum(body, position) == crc
        try:
            yield Row(position, len(body), whole, list(journal.decode(body)))
        except (msgspec.DecodeError, ValueError, IndexError):
            yield Row(position, len(body), whole=False, entries=[])


class Piece:
    """What is left of one session: its good events by offset, and where others were."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.events: dict[int, Event] = {}
        self.numbers: dict[str, int] = {}
        self.end = tail.packed  # the last offset that any row tells of

    def take(self, entry: Entry, *, whole: bool) -> bool:
        """Take what ``entry`` has; False if a row that is not whole cannot be true of it."""
        offsets = [event.offset for event in entry.events]
        if not whole:
            begin = offsets[0] if offsets else self.end + 1
            credible = begin <= self.end + 1 and offsets == list(range(begin, begin + len(offsets)))
            self.end = max(self.end, *offsets) if credible and offsets else self.end
            return credible
        for event in entry.events:
            if event.offset > self.tail.packed:
                self.events[event.offset] = event
                self.end = max(self.end, event.offset)
        if entry.producer:
            self.numbers[entry.producer] = max(entry.n, self.numbers.get(entry.producer, 0))
        return True

    def stretches(self) -> Iterator[list[Event]]:
        """The good events, those that follow one another together."""
        run: list[Event] = []
        for offset in sorted(self.events):
            if run and offset != run[-1].offset + 1:
                yield run
                run = []
            run.append(self.events[offset])
        if run:
            yield run

    def missing(self) -> Iterator[tuple[int, int]]:
        """The first and last offset of each stretch that is not there."""
        expected = self.tail.packed + 1
        for run in self.stretches():
            if run[0].offset > expected:
                yield expected, run[0].offset - 1
            expected = run[-1].offset + 1
        if self.end >= expected:
            yield expected, self.end

    @property
    def lost_its_end(self) -> bool:
        """Whether offsets will be given that were given before."""
        return self.end > max(self.events, default=self.tail.packed)


def salvage(connection: apsw.Connection) -> list[StoreDamaged]:
    """Pack what is whole, put the journal aside; what was found damaged."""
    with _unchecked(connection), connection:
        pieces, complete = _pieces(connection)
        for piece in pieces:
            _pack(connection, piece)
        _put_aside(connection)
        if not complete:
            connection.execute(NEW_EPOCH)
    found = [
        segments.damaged(piece.tail.record.id, first, last)
        for piece in pieces
        for first, last in piece.missing()
    ]
    return found if complete else [*found, _unknown()]


@contextmanager
def _unchecked(connection: apsw.Connection) -> Iterator[None]:
    # A page with a wrong checksum may hold rows whose own is right.
    connection.pragma("checksum_verification", "off")
    try:
        yield
    finally:
        connection.pragma("checksum_verification", "on")


def _pieces(connection: apsw.Connection) -> tuple[Sequence[Piece], bool]:
    """What is left of each session, and whether it is known of all whose events are lost."""
    pieces: dict[int, Piece | None] = {}
    complete = True
    try:
        for row in rows_of(connection):
            complete &= bool(row.entries)
            for entry in row.entries:
                if entry.session not in pieces:
                    tail = rows.tail_by_key(connection, entry.session)
                    pieces[entry.session] = Piece(tail) if tail else None
                piece = pieces[entry.session]
                if piece is None:
                    complete &= row.whole
                else:
                    complete &= piece.take(entry, whole=row.whole)
    except apsw.Error as error:
        if not is_damage(error):
            raise
        complete = False
    return [piece for piece in pieces.values() if piece is not None], complete


def _pack(connection: apsw.Connection, piece: Piece) -> None:
    key = piece.tail.key
    for run in piece.stretches():
        connection.executemany(rows.INSERT_SEGMENT, segments.pack(key, run))
    numbers = [(key, producer, n) for producer, n in piece.numbers.items()]
    connection.executemany(rows.UPSERT_PRODUCER, numbers)
    if piece.lost_its_end:
        connection.execute(NEW_EPOCH + " WHERE key = ?", (key,))


def _put_aside(connection: apsw.Connection) -> None:
    """Rename the journal, pages and all: to delete its rows one would have to trust them."""
    number = connection.execute(
        "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'journal_damaged_%'"
    ).get
    connection.pragma("legacy_alter_table", 1)  # the view is to go on showing the new one
    connection.execute(f"ALTER TABLE journal RENAME TO journal_damaged_{number + 1}")
    connection.execute(schema.JOURNAL)


def _unknown() -> StoreDamaged:
    return StoreDamaged(
        "rows of the journal are damaged that do not say whose events they had. Every session has"
        " a new epoch, so that no reader takes new events for those"
    )

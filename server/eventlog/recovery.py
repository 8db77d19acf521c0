"""What a store finds when it is opened: the sessions whose events the journal still holds."""

from typing import NamedTuple

import apsw
import msgspec

from server.errors import StoreRefused
from server.eventlog import journal, rows
from server.eventlog.group import Entry
from server.eventlog.packing import Backlog, weigh
from server.eventlog.tail import Tail


class Recovered(NamedTuple):
    """Where the store goes on."""

    tails: dict[str, Tail]
    backlog: Backlog
    next_key: int  # for the next session


def recover(connection: apsw.Connection, *, new_epoch: bool) -> Recovered:
    """Read the journal back; raises :class:`StoreRefused` where it is damaged."""
    if new_epoch:
        connection.execute("UPDATE sessions SET epoch = lower(hex(randomblob(4)))")
    tails: dict[int, Tail | None] = {}
    positions = [0]
    weight = 0
    for position, crc, body in connection.execute("SELECT * FROM journal ORDER BY position"):
        entries = _entries(position, crc, body)
        for entry in entries:
            if entry.session not in tails:
                tails[entry.session] = _stored(connection, entry.session)
            _take(tails[entry.session], entry)
        positions.append(position)
        weight += weigh(len(body), len(entries))
    begin = positions[1] - 1 if len(positions) > 1 else 0
    next_key = connection.execute("SELECT max(seq) FROM sqlite_sequence").get or 0
    alive = {tail.record.id: tail for tail in tails.values() if tail is not None}
    return Recovered(alive, Backlog(begin, max(positions), weight), next_key + 1)


def _entries(position: int, crc: int, body: bytes) -> list[Entry]:
    try:
        if journal.checksum(body, position) == crc:
            return list(journal.decode(body))
    except msgspec.DecodeError:
        pass
    raise StoreRefused(
        f"row {position} of the journal is damaged on disk: restore DATA_DIR from a copy"
        " and start once with NEW_EPOCH=1"
    )


def _stored(connection: apsw.Connection, key: int) -> Tail | None:
    row = connection.execute(rows.SELECT_TAIL + "WHERE key = ?", (key,)).fetchone()
    return rows.tail(row) if row else None


def _take(tail: Tail | None, entry: Entry) -> None:
    """Give ``tail`` what is not packed yet; the lines of a deleted session have no tail."""
    if tail is None:
        return
    if entry.producer:
        tail.numbers[entry.producer] = max(entry.n, tail.numbers.get(entry.producer, 0))
    for event in entry.events:
        if event.offset <= tail.packed:
            continue
        if event.offset != tail.last + 1:
            raise StoreRefused(
                f"events {tail.last + 1} to {event.offset - 1} of session {tail.record.id} are"
                " missing on disk: restore DATA_DIR from a copy and start once with NEW_EPOCH=1"
            )
        tail.events.append(event)

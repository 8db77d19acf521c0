"""What a store finds when it is opened: the sessions whose events the journal still holds."""

from collections.abc import Callable
from typing import NamedTuple

import apsw

from server.errors import StoreDamaged
from server.eventlog import rows
from server.eventlog.group import Entry
from server.eventlog.packing import Backlog, weigh
from server.eventlog.salvage import NEW_EPOCH, rows_of, salvage
from server.eventlog.tail import Tail
from server.eventlog.threads import is_damage


class Recovered(NamedTuple):
    """Where the store goes on."""

    tails: dict[str, Tail]
    backlog: Backlog
    next_key: int  # for the next session


class _Torn(Exception):
    """The journal cannot be taken as it is."""


def recover(
    connection: apsw.Connection, note: Callable[[StoreDamaged], object], *, new_epoch: bool
) -> Recovered:
    """Read the journal back. Where it is damaged, save what is whole, and ``note`` what is not."""
    if new_epoch:
        connection.execute(NEW_EPOCH)
    try:
        return _read(connection)
    except _Torn:
        pass
    except apsw.Error as error:
        if not is_damage(error):
            raise
    for found in salvage(connection):
        note(found)
    return _read(connection)


def _read(connection: apsw.Connection) -> Recovered:
    tails: dict[int, Tail | None] = {}
    positions = [0]
    weight = 0
    for position, size, whole, entries in rows_of(connection):
        if not whole:
            raise _Torn
        for entry in entries:
            if entry.session not in tails:
                tails[entry.session] = rows.tail_by_key(connection, entry.session)
            _take(tails[entry.session], entry)
        positions.append(position)
        weight += weigh(size, len(entries))
    begin = positions[1] - 1 if len(positions) > 1 else 0
    next_key = connection.execute("SELECT max(seq) FROM sqlite_sequence").get or 0
    alive = {tail.record.id: tail for tail in tails.values() if tail is not None}
    return Recovered(alive, Backlog(begin, max(positions), weight), next_key + 1)


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
            raise _Torn
        tail.events.append(event)

"""The statements: every row that is written or read, and the shape it has in Python.

All functions that take a connection are jobs for its thread. None leaves a transaction open.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from time import perf_counter
from typing import Any, NamedTuple

import apsw
import msgspec

from server.errors import StoreDamaged
from server.eventlog.group import Stage
from server.eventlog.segments import Segment, damaged, unpack
from server.eventlog.tail import Status, Tail, page
from server.eventlog.threads import is_damage
from server.events import Event
from server.records import RunRecord, SessionRecord

Statement = tuple[str, Sequence[tuple[Any, ...]]]

#: There is no authentication yet, so everything belongs to nobody.
OWNER = ""

INSERT_JOURNAL = "INSERT INTO journal (position, crc, body) VALUES (?, ?, ?)"
INSERT_SEGMENT = "INSERT INTO segments (session, first, last, crc, body) VALUES (?, ?, ?, ?, ?)"
DELETE_JOURNAL = "DELETE FROM journal WHERE position <= ?"
UPSERT_PRODUCER = """
INSERT INTO producers (session, producer, n) VALUES (?, ?, ?)
ON CONFLICT (session, producer) DO UPDATE SET n = excluded.n"""
UPSERT_SESSION = """
INSERT INTO sessions (key, owner, id, epoch, created, labels, state, run, ended)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    state = excluded.state, run = excluded.run, ended = excluded.ended"""
UPSERT_RUN = """
INSERT INTO runs (id, session, active, created, idempotency_key, record) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    session = excluded.session, active = excluded.active, record = excluded.record"""

#: How many rows one statement writes: few sizes, or the connection's cache would not hold them.
TOGETHER = (32, 8, 1)

SELECT_TAIL = """
SELECT key, id, epoch, created, labels, state, run, ended,
    coalesce((SELECT max(last) FROM segments WHERE session = sessions.key), 0)
FROM sessions """
SELECT_RUN = "SELECT record FROM runs JOIN sessions ON sessions.key = runs.session "
SELECT_EVENTS = """
SELECT segments.session, first, last, crc, body
FROM segments JOIN sessions ON sessions.key = segments.session
WHERE owner = ?1 AND id = ?2 AND first >= coalesce((
    SELECT max(first) FROM segments WHERE session = sessions.key AND first <= ?3), 0)
ORDER BY first"""
#: Found in the index alone: the table may be what cannot be read.
SELECT_LAST = """
SELECT last FROM segments WHERE session = ? AND first <= ? ORDER BY first DESC LIMIT 1"""
SELECT_EXPIRED = """
SELECT id FROM sessions WHERE state = 'closed' AND ended < ? AND owner = ? ORDER BY ended LIMIT ?"""


def session_row(stage: Stage) -> tuple[Any, ...]:
    """The session of ``stage`` as a row."""
    record, status = stage.tail.record, stage.status
    labels = msgspec.json.encode(record.labels).decode()
    identity = stage.tail.key, OWNER, record.id, record.epoch, record.created, labels
    return (*identity, *status)


def run_row(session: int, run: RunRecord, encoded: str) -> tuple[Any, ...]:
    """A run's record as a row; ``encoded`` is the whole of it as JSON."""
    return run.id, session, int(run.active), run.created, run.idempotency_key, encoded


def tail(row: tuple[Any, ...]) -> Tail:
    """A session without the events that the journal has for it."""
    key, id_, epoch, created, labels, state, run, ended, packed = row
    record = SessionRecord(id=id_, epoch=epoch, created=created, labels=msgspec.json.decode(labels))
    return Tail(key, record, Status(state, run, ended), packed)


# -- writing


class Committed(NamedTuple):
    """What a commit took."""

    seconds: float
    pages: int  # that the connection has written to the WAL since it was opened


def commit(connection: apsw.Connection, statements: Sequence[Statement]) -> Committed:
    """Make all of ``statements`` durable, or nothing."""
    begun = perf_counter()
    if len(statements) == 1 and len(statements[0][1]) == 1:
        # The usual case, a group of events alone. A single row is a transaction of its own, and one
        # call of SQLite's: between two calls a thread waits for the interpreter's lock.
        connection.execute(statements[0][0], statements[0][1][0])
    else:
        _transaction(connection, statements)
    seconds = perf_counter() - begun
    return Committed(seconds, connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE)[0])


def _transaction(connection: apsw.Connection, statements: Sequence[Statement]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, rows in statements:
            for some in _together(rows):
                connection.execute(_of_many(sql, len(some)), tuple(chain.from_iterable(some)))
        connection.execute("COMMIT")
    except BaseException:
        # After some errors SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _together(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    start = 0
    for size in TOGETHER:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


@cache
def _of_many(sql: str, rows: int) -> str:
    """The statement for that many rows: what holds for one call of SQLite's holds for all."""
    if rows == 1:
        return sql
    head, _, rest = sql.partition("VALUES (")
    row, bracket, tail = rest.partition(")")
    return head + "VALUES " + ", ".join(rows * [f"({row}{bracket}"]) + tail


class Found(NamedTuple):
    """What the disk knows of a session and one of its producers."""

    tail: Tail | None
    n: int


def find(
    connection: apsw.Connection, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Found]:
    """Sessions by id, each with the number of a producer; what is not stored is None and 0."""
    found = {}
    for session, producer in wanted:
        stored = session_tail(connection, session)
        n = 0
        if stored is not None and producer:
            sql = "SELECT n FROM producers WHERE session = ? AND producer = ?"
            n = connection.execute(sql, (stored.key, producer)).get or 0
        found[session, producer] = Found(stored, n)
    return found


def remove(connection: apsw.Connection, session: str) -> bool:
    """Take a session out of sight; its rows are left to :func:`sweep`. False if there is none."""
    with connection:
        sql = "DELETE FROM sessions WHERE owner = ? AND id = ? RETURNING key"
        key = connection.execute(sql, (OWNER, session)).get
        if key is not None:
            connection.execute("INSERT INTO doomed (session) VALUES (?)", (key,))
    return key is not None


#: Rows of a removed session that go in one step: half a megabyte of segments.
SWEEP = {
    "segments": "DELETE FROM segments WHERE rowid IN"
    " (SELECT rowid FROM segments WHERE session = ? LIMIT 8)",
    "runs": "DELETE FROM runs WHERE key IN (SELECT key FROM runs WHERE session = ? LIMIT 50)",
    "producers": "DELETE FROM producers WHERE session = ?1 AND producer IN"
    " (SELECT producer FROM producers WHERE session = ?1 LIMIT 500)",
    "doomed": "DELETE FROM doomed WHERE session = ?",
}


def sweep(connection: apsw.Connection) -> bool:
    """Delete a few rows of a removed session; False when none is left."""
    key = connection.execute("SELECT min(session) FROM doomed").get
    if key is None:
        return False
    for sql in SWEEP.values():
        connection.execute(sql, (key,))
        if connection.changes():
            break
    return True


# -- reading


def session_tail(connection: apsw.Connection, session: str) -> Tail | None:
    """A session by its id."""
    where = "WHERE owner = ? AND id = ?"
    row = connection.execute(SELECT_TAIL + where, (OWNER, session)).fetchone()
    return tail(row) if row else None


def tail_by_key(connection: apsw.Connection, key: int) -> Tail | None:
    """A session by its key; None if it was removed."""
    row = connection.execute(SELECT_TAIL + "WHERE key = ?", (key,)).fetchone()
    return tail(row) if row else None


def session_tails(
    connection: apsw.Connection, limit: int, before: int | None, state: str | None
) -> list[Tail]:
    """A page of the list of sessions, newest first."""
    conditions = {"owner = ?": OWNER, "key < ?": before, "state = ?": state}
    given = {sql: value for sql, value in conditions.items() if value is not None}
    where = f"WHERE {' AND '.join(given)} ORDER BY key DESC LIMIT ?"
    rows = connection.execute(SELECT_TAIL + where, (*given.values(), limit)).fetchall()
    return [tail(row) for row in rows]


def events(connection: apsw.Connection, session: str, after: int, limit: int) -> list[Event]:
    """The first page of the packed events after ``after``, none if the next one is damaged.

    Raises :class:`StoreDamaged` then, with the stretch that cannot be read.
    """
    cursor = connection.cursor()
    try:
        cursor.execute(SELECT_EVENTS, (OWNER, session, after + 1))
        return page(_whole(_following(cursor, session, after)), limit)
    except apsw.Error as error:
        if not is_damage(error):
            raise
        raise _unreadable(connection, session, after + 1) from error
    finally:
        cursor.close(force=True)


def _following(rows: Iterable[tuple[Any, ...]], session: str, after: int) -> Iterator[Event]:
    expected = after + 1
    for row in rows:
        segment = Segment(*row)
        if segment.last < expected:
            continue
        if segment.first > expected:
            raise damaged(session, expected, segment.first - 1)
        unpacked = unpack(segment, session)
        os.sched_yield()  # the writer may wait for the interpreter's lock, or for the core
        yield from unpacked[expected - segment.first :]
        expected = segment.last + 1


def _whole(events: Iterator[Event]) -> Iterator[Event]:
    """``events`` up to the damage, which is an error only where nothing comes before it."""
    for first in events:
        yield first
        break
    try:
        yield from events
    except (StoreDamaged, apsw.IOError, apsw.CorruptError):
        return


def _unreadable(connection: apsw.Connection, session: str, first: int) -> StoreDamaged:
    """The stretch of a segment whose pages cannot be read, if its index can."""
    try:
        found = session_tail(connection, session)
        key = found.key if found else 0
        last = connection.execute(SELECT_LAST, (key, first)).get or 0
    except apsw.Error:
        last = 0
    return damaged(session, first, last if last >= first else 0)


def run_records(connection: apsw.Connection, where: str, *values: str) -> list[RunRecord]:
    """The run records of ``where``, those of removed sessions left out."""
    rows = connection.execute(SELECT_RUN + where, values).fetchall()
    return [msgspec.json.decode(str(record), type=RunRecord) for (record,) in rows]


def expired(connection: apsw.Connection, ended_before: str, limit: int) -> list[str]:
    """The ids of sessions that closed before that time, the longest closed first."""
    found = connection.execute(SELECT_EXPIRED, (ended_before, OWNER, limit)).fetchall()
    return [str(id_) for (id_,) in found]

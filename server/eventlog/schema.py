"""The database file: its tables, and who may open it.

``journal`` takes the commit groups, one row each, appended; ``segments`` what was packed from it.
An event is in the log if it is in either: a journal line whose offset is not past its session's
last segment has been packed already, and one whose session has gone was deleted with it.
"""

from contextlib import ExitStack
from functools import cache
from pathlib import Path

import apsw
import apsw.sqlite_extra

from server.errors import StoreRefused
from server.eventlog.threads import is_damage

APPLICATION_ID = 0x4B535452  # "KSTR": what `file` and PRAGMA application_id show
FORMAT = 1
#: How long a stranger (an operator's shell) may hold the database locked before we give up.
BUSY_MILLISECONDS = 5000
#: Before it, two connections that write or checkpoint at once could corrupt a WAL.
OLDEST_SQLITE = (3, 51, 3)
#: What each page keeps at its end for its checksum.
CHECKSUM_BYTES = 8

JOURNAL = """
CREATE TABLE journal (
    position INTEGER PRIMARY KEY,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
"""
TABLES = """
CREATE TABLE sessions (
    key INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: the journal may still name it
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    created TEXT NOT NULL,
    labels TEXT NOT NULL,
    state TEXT NOT NULL,
    run TEXT,
    ended TEXT,
    UNIQUE (owner, id)
) STRICT;
CREATE INDEX sessions_by_age ON sessions (owner, key);
CREATE INDEX sessions_by_state ON sessions (owner, state, key);
CREATE INDEX sessions_by_end ON sessions (owner, ended) WHERE state = 'closed';

CREATE TABLE runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    session INTEGER NOT NULL,
    active INTEGER NOT NULL,
    created TEXT NOT NULL,
    idempotency_key TEXT,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_session ON runs (session, key);
CREATE INDEX runs_active ON runs (active) WHERE active = 1;
CREATE INDEX runs_by_idempotency_key ON runs (idempotency_key, created)
    WHERE idempotency_key IS NOT NULL;

CREATE TABLE producers (
    session INTEGER NOT NULL,
    producer TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (session, producer)
) STRICT, WITHOUT ROWID;

-- Appended in rowid order with an index beside it: clustered by session, each session that is
-- packed would cost a page of its own.
CREATE TABLE segments (
    session INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX segments_by_session ON segments (session, first, last);

-- Sessions that are gone, whose rows are still to be deleted in small steps.
CREATE TABLE doomed (session INTEGER PRIMARY KEY) STRICT;

-- For people with a shell; the server does not use it.
CREATE VIEW events AS
WITH packed AS (
    SELECT session, event.value AS line
    FROM segments,
         json_each('[' || replace(CAST(body AS TEXT), char(10), ',') || ']') AS event
), fresh AS (
    SELECT entry.value ->> 0 AS session, event.value AS line
    FROM journal,
         json_each('[' || replace(CAST(body AS TEXT), char(10), ',') || ']') AS entry,
         json_each(entry.value -> 3) AS event
    WHERE event.value ->> 'offset' > coalesce(
        (SELECT max(last) FROM segments WHERE session = entry.value ->> 0), 0)
)
SELECT id AS session, line ->> 'offset' AS "offset", line ->> 'type' AS type, line
FROM (SELECT * FROM packed UNION ALL SELECT * FROM fresh) AS every
JOIN sessions ON sessions.key = every.session;
"""


@cache
def checking_vfs() -> str:
    """SQLite's own file layer with a checksum on each page, looked at whenever one is read.

    The rows' checksums know a wrong event; only these know a wrong page of an index, from which
    events would be missing that nobody asks for. Source: https://sqlite.org/cksumvfs.html
    """
    connection = apsw.Connection(":memory:")
    try:
        apsw.sqlite_extra.load(connection, "cksumvfs")
    finally:
        connection.close()
    return "cksmvfs"


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    """A connection that never checkpoints by itself and waits for a stranger's lock a little."""
    flags = (
        apsw.SQLITE_OPEN_READONLY
        if readonly
        else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
    connection = apsw.Connection(str(path), flags=flags, vfs=checking_vfs())
    # With statistics of its columns SQLite may find a better plan for each value that a statement
    # is given, and plans it anew each time. We keep no statistics.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.set_busy_timeout(BUSY_MILLISECONDS)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def prepare(path: Path) -> apsw.Connection:
    """Open the database for writing, made if it is new; raises :class:`StoreRefused`.

    The checks take the same short time whatever the size: rows are verified when they are read.
    """
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < OLDEST_SQLITE:
        raise StoreRefused(
            f"SQLite {apsw.sqlite_lib_version()} may corrupt the log: install apsw 3.51.3 or newer"
        )
    with ExitStack() as unless_good:
        try:
            connection = connect(path)
            unless_good.callback(connection.close)
            _check(connection, path)
        except apsw.NotADBError:
            raise StoreRefused(
                f"{path} is not a database: move it away, or set another DATA_DIR"
            ) from None
        except apsw.Error as error:
            if is_damage(error):
                raise StoreRefused(
                    f"{path} is damaged ({error}): restore DATA_DIR from a copy"
                ) from error
            raise StoreRefused(
                f"{path} cannot be opened ({error}): check the disk and the rights"
            ) from error
        unless_good.pop_all()
    return connection


def _check(connection: apsw.Connection, path: Path) -> None:
    application = connection.pragma("application_id")
    found = connection.pragma("user_version")
    empty = not connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application == 0 and empty:
        _create(connection)
    elif application != APPLICATION_ID:
        raise StoreRefused(f"{path} is another program's database: set another DATA_DIR")
    elif found != FORMAT:
        age = "newer" if found > FORMAT else "older"
        raise StoreRefused(
            f"{path} is of an {age} format ({found}; this version reads {FORMAT}):"
            " run the version that wrote it"
        )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA journal_size_limit = 67108864")


def _create(connection: apsw.Connection) -> None:
    connection.reserve_bytes(None, CHECKSUM_BYTES)
    connection.execute("PRAGMA page_size = 8192")
    with connection:
        connection.execute(JOURNAL)
        connection.execute(TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")

"""The write-ahead log as a crash left it: what SQLite takes from it, and what it leaves out.

SQLite reads it up to the first frame whose checksum is wrong and takes that for the end. After a
loss of power it is: the commit that nobody was told of. But if whole commits lie behind it, then
one that was acknowledged was damaged, and all behind it with it.

Source: https://sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from contextlib import suppress
from pathlib import Path

import apsw

from server.errors import StoreDamaged

HEADER = struct.Struct(">8I")
FRAME = struct.Struct(">IIII")


def commits(path: Path) -> list[int]:
    """The numbers, from 1, of the frames that end a commit in the log of the database ``path``.

    Call it before the database is opened. Their checksums are not looked at.
    """
    try:
        content = memoryview(path.with_name(path.name + "-wal").read_bytes())
    except FileNotFoundError:
        return []
    if len(content) < HEADER.size:
        return []
    _, _, page_size, _, *salts, _, _ = HEADER.unpack_from(content)
    if page_size not in {1 << power for power in range(9, 17)}:
        return []
    found = []
    for number, at in enumerate(range(HEADER.size, len(content), 24 + page_size), 1):
        if at + 24 + page_size > len(content):
            break
        _, pages, *salt = FRAME.unpack_from(content, at)
        if pages and salt == salts:
            found.append(number)
    return found


def settle(connection: apsw.Connection, before: list[int]) -> int:
    """Copy what SQLite took into the database; how many whole commits were left out.

    ``before`` is what :func:`commits` found. What is taken from the kernel's memory may never have
    reached the disk, if a sync failed before the crash: copied, it is written and synced anew,
    before anything is built on it. Without room for that it stays where it is.
    """
    size, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    left_out = sum(number > size for number in before)
    with suppress(apsw.FullError, apsw.BusyError):
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    return left_out


def damaged(commits: int) -> StoreDamaged:
    """The error for commits that were acknowledged and left out."""
    return StoreDamaged(
        f"the write-ahead log is damaged: its last {commits} commits are lost. Every session has a"
        " new epoch, so that no reader takes new events for those"
    )

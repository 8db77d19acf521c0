"""Keeping the write-ahead log short without stopping commits.

A checkpoint copies committed pages from the WAL into the database; only when it has copied them all
may the next commit begin the WAL anew. Done by the writer (SQLite's default) it is tens of
milliseconds in which nothing commits. Done beside the writer alone, it never catches up with a
writer that does not pause, and the WAL grows without bound. So a second connection copies most of
it while commits go on, and the writer copies what was written meanwhile, between two commits.
"""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import structlog

from server.errors import KeepstreamError
from server.eventlog.schema import BUSY_MILLISECONDS
from server.eventlog.threads import ConnectionThread

log = structlog.get_logger()

#: Pages that the WAL takes before it is copied: 8 MiB.
WAL_PAGES = 1024
#: What may be left to the writer when it is copied beside it, and after how many rounds it is all
#: the same: a writer that is faster than the copier will not be caught up with.
REST_PAGES, ROUNDS = 32, 6
#: How long commits wait at most for a reader that keeps the WAL from beginning anew.
READER_MILLISECONDS = 20
#: What the disk must have free to give the WAL its length ahead, for each byte of it.
ROOMY = 16


def lay_out(connection: apsw.Connection, pages: int = WAL_PAGES) -> None:
    """Give the WAL its length now, all zeros, which SQLite takes for the end of what is in it.

    A commit that makes the file longer waits for the file system too, which has a journal of its
    own to note that in: a second write for each, until the WAL first begins anew. Where the disk is
    not roomy or fails, or where somebody else is writing, the WAL is left to grow.
    """
    # A header, and before each page one more: https://sqlite.org/fileformat2.html#walformat
    length = 32 + (pages + pages // 8) * (24 + connection.pragma("page_size"))
    disk = os.statvfs(connection.filename)
    if disk.f_bavail * disk.f_frsize < ROOMY * length:
        return
    with (
        suppress(apsw.BusyError, OSError),
        _alone(connection),
        Path(connection.filename_wal).open("ab", buffering=0) as wal,
    ):
        wal.write(bytes(max(0, length - wal.tell())))
        os.fdatasync(wal.fileno())


@contextmanager
def _alone(connection: apsw.Connection) -> Iterator[None]:
    """Nobody else writes meanwhile: the zeros would cover what they wrote behind the old end."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def copy_beside(connection: apsw.Connection) -> None:
    """Copy what can be copied without making anyone wait.

    Each round has only what was written during the one before: what is left to the writer is small.
    """
    copied = 0
    for _ in range(ROUNDS):
        before = copied
        try:
            _, copied = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.BusyError:
            # It has looked at the WAL's header while the writer was changing it, and then could not
            # have the writer's lock to look again. Only reads try once more by themselves.
            continue
        if copied - before <= REST_PAGES:
            break


def copy_rest(connection: apsw.Connection) -> bool:
    """Copy the rest and have the next commit begin the WAL anew; False if a reader was in the way.

    Readers that come now do not need the WAL any more, so it waits for those that are there at
    most. Ours are gone with their page; a stranger's may stay, and must not hold up commits.
    """
    connection.set_busy_timeout(READER_MILLISECONDS)
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
    except apsw.BusyError:
        return False
    finally:
        connection.set_busy_timeout(BUSY_MILLISECONDS)
    return True


def copy_within(connection: apsw.Connection, room: int) -> bool:
    """Copy all if the database grows by less than ``room`` bytes; False if not.

    On a full disk this is what room can be had for: the same pages are written again and again, and
    a WAL that begins anew takes them where the old ones were.
    """
    pages, page_size = connection.pragma("page_count"), connection.pragma("page_size")
    growth = pages * page_size - Path(connection.filename).stat().st_size
    return growth < room and copy_rest(connection)


class Checkpoints:
    """Decides when the WAL is copied. ``rest_due`` asks the writer to do its part."""

    def __init__(self, thread: ConnectionThread, pages: int = WAL_PAGES) -> None:
        self._thread = thread
        self._pages = pages
        self._begun_at = 0
        self._beside: asyncio.Task[None] | None = None
        self.rest_due = False

    def committed(self, pages: int) -> None:
        """Note how many pages the writer has written in all."""
        due = pages - self._begun_at >= self._pages
        # Two that copy at once would only find each other in the way.
        if due and self._beside is None and not self.rest_due:
            self._begun_at = pages
            self._beside = asyncio.create_task(self._copy())

    async def _copy(self) -> None:
        try:
            await self._thread.start(copy_beside)
            self.rest_due = True
        except KeepstreamError as error:
            log.warning("The write-ahead log could not be copied", error=str(error))
        finally:
            self._beside = None

    async def close(self) -> None:
        """Wait for a copy that is under way."""
        if self._beside is not None:
            await self._beside

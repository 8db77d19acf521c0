"""A thread of its own for each connection: SQLite waits for the disk, the event loop must not.

Every job takes the connection and returns; nothing of a transaction is left when it has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from server.errors import KeepstreamError, StoreDamaged, StoreUnavailable
from server.eventlog.duress import Fault, NoRoom

P = ParamSpec("P")
T = TypeVar("T")


class ConnectionThread:
    """One connection and the one thread that uses it; jobs run in the order of their calls."""

    def __init__(self, name: str, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"eventlog-{name}")
        self._connection: apsw.Connection | None = None

    async def open(self, connect: Callable[[], apsw.Connection]) -> None:
        """Connect, in the thread."""
        loop = asyncio.get_running_loop()
        self._connection = await loop.run_in_executor(self._thread, connect)

    async def reopen(self, connect: Callable[[], apsw.Connection]) -> None:
        """Connect anew, and forget whatever the old connection had in memory.

        Raises :class:`KeepstreamError` where that fails; until it is done every job fails.
        """

        def again() -> apsw.Connection:
            if self._connection is not None:
                with suppress(apsw.Error):
                    self._connection.close(force=True)
                self._connection = None
            try:
                return connect()
            except apsw.Error as error:
                raise explain(error, self._path) from error

        await self.open(again)

    def start(
        self,
        job: Callable[Concatenate[apsw.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Begin ``job`` at once; its result, or an error that says what to do."""
        return asyncio.wrap_future(self.submit(job, *args, **kwargs))

    def submit(
        self,
        job: Callable[Concatenate[apsw.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Future[T]:
        """The same, for who may find it done before the loop has had a turn."""
        return self._thread.submit(lambda: self._do(job, *args, **kwargs))

    def _do(
        self,
        job: Callable[Concatenate[apsw.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        if self._connection is None:
            raise Fault(f"{self._path} could not be opened again")
        try:
            return job(self._connection, *args, **kwargs)
        except apsw.Error as error:
            raise explain(error, self._path) from error

    async def close(self) -> None:
        """Close the connection and end the thread."""
        loop = asyncio.get_running_loop()
        if self._connection is not None:
            await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()


def explain(error: apsw.Error, path: Path) -> KeepstreamError:
    """What an operator can do about ``error``, and what it means for the store."""
    kind: type[StoreUnavailable] = Fault
    if isinstance(error, apsw.FullError):
        kind, advice = NoRoom, f"the disk of {path} is full: free some space"
    elif is_damage(error):
        return StoreDamaged(f"{path} is damaged ({error}): restore DATA_DIR from a copy")
    elif isinstance(error, apsw.BusyError | apsw.LockedError):
        advice = f"another program holds {path} locked: end it"
    else:
        if not isinstance(error, DISK):
            kind = StoreUnavailable
        advice = f"{path} cannot be read or written ({error}): check the disk"
    return kind(f"{advice}; nothing that was acknowledged is lost")


#: What the disk or the kernel can be blamed for, not the statement.
DISK = (
    apsw.IOError,
    apsw.CantOpenError,
    apsw.ReadOnlyError,
    apsw.ProtocolError,
    apsw.PermissionsError,
)


def is_damage(error: apsw.Error) -> bool:
    """Whether a page is not what was written: by its checksum, or by what is in it."""
    checksum = getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_DATA
    return checksum or isinstance(error, apsw.CorruptError | apsw.NotADBError)


@asynccontextmanager
async def connected(
    name: str, path: Path, connect: Callable[[], apsw.Connection]
) -> AsyncIterator[ConnectionThread]:
    """A thread with its connection; closed with the context."""
    thread = ConnectionThread(name, path)
    try:
        await thread.open(connect)
        yield thread
    finally:
        await thread.close()

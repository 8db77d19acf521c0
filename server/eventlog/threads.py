"""A thread of its own for each connection: SQLite waits for the disk, the event loop must not.

Every job takes the connection and returns; nothing of a transaction is left when it has.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from server.errors import KeepstreamError, StoreDamaged, StoreUnavailable

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

    def start(
        self,
        job: Callable[Concatenate[apsw.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> asyncio.Future[T]:
        """Begin ``job`` at once; its result, or an error that says what to do."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._thread, lambda: self._do(job, *args, **kwargs))

    def _do(
        self,
        job: Callable[Concatenate[apsw.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        assert self._connection is not None, "used before it was opened"
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
    """What an operator can do about ``error``."""
    if isinstance(error, apsw.FullError):
        advice = f"the disk of {path} is full: free some space"
    elif isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return StoreDamaged(f"{path} is damaged ({error}): restore DATA_DIR from a copy")
    elif isinstance(error, apsw.BusyError | apsw.LockedError):
        advice = f"another program holds {path} locked: end it"
    else:
        advice = f"{path} cannot be read or written ({error}): check the disk"
    return StoreUnavailable(f"{advice}; nothing that was acknowledged is lost")


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

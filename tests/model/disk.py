"""The disk of a model: a real database in memory, whose every job is done when the seed says so.

What a job did stays when the server dies in the next moment; that it did it may never be heard.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from server.eventlog import rows, schema


class Job:
    """Work for one connection's thread, and the future that hears of it."""

    __slots__ = ("answer", "done", "error", "future", "result", "work")

    def __init__(self, work: Callable[[], Any], future: asyncio.Future[Any], answer: bool) -> None:
        self.work = work
        self.future = future
        self.answer = answer
        self.done = False
        self.result: Any = None
        self.error: Exception | None = None


class Disk:
    """One database for all schedules, emptied for each."""

    def __init__(self) -> None:
        self.connection = schema.connect(Path(":memory:"))
        schema._create(self.connection)
        named = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        self.tables = [str(name) for (name,) in self.connection.execute(named)]
        self.threads: list[Thread] = []
        self.copy: dict[str, list[tuple[Any, ...]]] | None = None
        self.is_quick: Callable[[], bool] = lambda: False  # done before anybody could wait for it

    def format(self) -> None:
        """Empty it."""
        self.forget()
        self.copy = None
        with self.connection:
            for table in self.tables:
                self.connection.execute(f"DELETE FROM {table}")

    def forget(self) -> None:
        """The server is gone, and with it whatever was not done."""
        self.threads = []

    def back_up(self) -> None:
        """Take a copy."""
        select = "SELECT * FROM {}".format
        rows_of = self.connection.execute
        self.copy = {table: rows_of(select(table)).fetchall() for table in self.tables}

    def restore(self) -> None:
        """Go back to the copy."""
        assert self.copy is not None
        with self.connection:
            for table, kept in self.copy.items():
                self.connection.execute(f"DELETE FROM {table}")
                for row in kept:
                    marks = ",".join("?" * len(row))
                    self.connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)

    def waiting(self) -> "list[Thread]":
        """The threads that have something to do or to say."""
        return [thread for thread in self.threads if thread.jobs]

    def elsewhere(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        """Have ``work`` done in a thread of no connection."""
        thread = Thread(self, "elsewhere")
        self.threads.append(thread)
        return thread.start(lambda _: work())

    @asynccontextmanager
    async def connected(self, name: str, *_: object) -> "AsyncIterator[Thread]":
        """In the place of :func:`server.eventlog.threads.connected`."""
        thread = Thread(self, name)
        self.threads.append(thread)
        yield thread


class Thread:
    """In the place of :class:`server.eventlog.threads.ConnectionThread`: does nothing by itself."""

    def __init__(self, disk: Disk, name: str) -> None:
        self.jobs: deque[Job] = deque()
        self.name = name
        self._disk = disk

    def start(self, job: Callable[..., Any], *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Take a job."""
        future = asyncio.get_running_loop().create_future()
        work = lambda: job(self._disk.connection, *args, **kwargs)  # noqa: E731
        self.jobs.append(Job(work, future, job is rows.commit))
        return future

    def submit(self, job: Callable[..., Any], *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """Take a job, and perhaps have it done at once."""
        future = self.start(job, *args, **kwargs)
        if len(self.jobs) == 1 and self._disk.is_quick():
            self.do()
            self.tell()
        return future

    def do(self) -> None:
        """Do the next job; nobody hears of it yet."""
        job = self.jobs[0]
        if not job.done:
            job.done = True
            try:
                job.result = job.work()
            except Exception as error:  # noqa: BLE001 - it is the caller's
                job.error = error

    async def reopen(self, _connect: object) -> None:
        """Forget what the connection has in memory: there is nothing."""

    def fail(self, error: Exception) -> None:
        """Fail the next job, if it is a commit that was not done."""
        job = self.jobs[0]
        if not job.done and job.answer:
            job.done = True
            job.error = error

    def tell(self) -> None:
        """Let the one who asked hear of what was done."""
        job = self.jobs[0]
        if job.done:
            self.jobs.popleft()
            if job.future.cancelled():
                return
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)


@contextmanager
def unlocked(*_: object) -> Iterator[None]:
    """In the place of :func:`server.lockfile.locked`: there is no file."""
    yield

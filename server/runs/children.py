"""All runs of this server: places, the queue behind them, and the socket they connect to."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Self

import structlog

from server.errors import AtCapacity, InvalidInput, NotPending, ShuttingDown
from server.records import Append, RunRecord
from server.runs import pipe
from server.runs.catalogue import Catalogue
from server.runs.child import Child
from server.runs.connection import Connection, listen
from server.runs.forkserver import ForkServer
from server.runs.house import House
from server.runs.intake import Acks
from server.runs.life import Signal, State
from server.settings import Settings
from workflows.runtime.main import enter

RETRY_AFTER = 5  # seconds until a place in the queue may be free
KILL_SECONDS = 1.5  # of the time to stop in, for what has to be killed

log = structlog.get_logger()


class Runs:
    """Starts runs, at most ``max_runs`` at once, the others first come, first served.

    An async context manager: it listens at ``DATA_DIR/runs.sock`` while it is entered, and leaves
    no process, descriptor or file behind. Use it from one loop only.
    """

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        append: Append,
        *,
        entry: Callable[..., None] = enter,
    ) -> None:
        directory = settings.data_dir / "runs"
        self._settings = settings
        self._house = House(
            append=append,
            catalogue=catalogue,
            forkserver=ForkServer(entry, lambda: catalogue.preload),
            acks=Acks(),
            directory=directory,
            address=settings.data_dir / "runs.sock",
            grace=settings.cancel_grace_seconds,
        )
        self._children: dict[str, Child] = {}
        self._placed: set[Child] = set()
        self._queue: deque[Child] = deque()
        self._expected = 0  # accepted, but not committed yet
        self._closing = False
        self._stopping: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        house = self._house
        for directory in (self._settings.data_dir, house.directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
        for left in house.directory.glob("*.stderr"):
            left.unlink()
        self._stack.push_async_callback(house.forkserver.close)
        self._stack.callback(house.acks.close)
        await self._stack.enter_async_context(listen(house.address, self._knock))
        self._stack.push_async_callback(self._abandon)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def warm_up(self) -> None:
        """Make the fork server import what the catalogue says, so that the first run finds it done.

        Nothing depends on it. Call it when the catalogue has been loaded.
        """
        try:
            await self._house.forkserver.warm_up()
        except (OSError, EOFError) as error:
            if not self._closing:
                log.warning("No fork server yet: the first run tries again", error=str(error))

    # Runs.

    def check_capacity(self) -> None:
        """Raise :class:`AtCapacity` when a run could neither start nor wait."""
        room = self._settings.max_runs - len(self._placed) + self._settings.max_queued_runs
        if len(self._queue) + self._expected >= room:
            raise AtCapacity(
                f"{self._settings.max_runs} runs are active and {len(self._queue)} wait:"
                " try again later",
                retry_after=RETRY_AFTER,
            )

    async def accept(self, record: RunRecord) -> RunRecord:
        """Commit a run, and give it a place or let it wait for one; returns its record.

        Raises :class:`AtCapacity`, :class:`InvalidInput` for an input that does not fit into a
        line of the pipe, :class:`ShuttingDown`, :class:`StoreUnavailable`. Then there is no run.
        """
        self._refuse_when_closing()
        self.check_capacity()
        if len(pipe.start(record.workflow, record.input)) > pipe.LINE_LIMIT:
            raise InvalidInput("the input is longer than 1 MiB", path="input")
        child = Child(record, self._house, self)
        self._expected += 1
        # In a task of its own: a caller who leaves cannot leave half a run behind.
        accepting = asyncio.create_task(self._accept(child))
        accepting.add_done_callback(_heard)
        await asyncio.shield(accepting)
        return child.record

    def resume_queued(self, record: RunRecord) -> None:
        """Take over a run that was accepted, and never started, by a server that is no more."""
        child = Child(record, self._house, self)
        self._enter(child)
        if record.cancel is not None:
            child.cancelled()

    async def cancel(self, run: str, reason: str) -> None:
        """Ask a run to end; committed when this returns. Nothing to do for one that is not active.

        Raises :class:`StoreUnavailable`, and then nothing was asked.
        """
        if (child := self._children.get(run)) is not None:
            await child.cancel(reason)

    async def answer(self, run: str, request: str, value: Any) -> None:
        """Give a run what it asked for; committed when this returns.

        Raises :class:`NotPending`, :class:`InvalidInput` with a path that starts with ``value``,
        :class:`StoreUnavailable`.
        """
        if (child := self._children.get(run)) is None:
            raise NotPending(f"run {run} is not active: it waits for no answer")
        await child.answer(request, value)

    def get(self, run: str) -> RunRecord | None:
        """An active run as it was last committed; None for any other."""
        child = self._children.get(run)
        return child.record if child is not None and child.record.active else None

    def active(self) -> Iterable[RunRecord]:
        """All active runs as they were last committed."""
        return [child.record for child in self._children.values() if child.record.active]

    async def stop(self, reason: str, within: float) -> None:
        """Cancel every run that has a process and take no more; queued ones wait for a new server.

        ``within`` in seconds bounds the call; what has not ended shortly before it is killed.
        Every run but those has its terminal event then, unless the store refused it all that time.
        """
        self._closing = True
        self._leave_the_queue()
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        for child in list(self._children.values()):
            self._cancel_for_stop(child, reason)
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=within / 2)
        self._house.forkserver.refuse()
        await self._until_empty(end - min(KILL_SECONDS, within / 2))
        for child in list(self._children.values()):
            if child.state is not State.QUEUED:
                child.overdue()
        await self._until_empty(end)

    # Owner.

    def accepted(self, child: Child) -> None:
        """A run is committed: it starts now, or waits for its turn."""
        self._enter(child)

    def freed(self, child: Child) -> None:
        """A process is gone."""
        self._placed.discard(child)
        self._fill()

    def over(self, child: Child) -> None:
        """Nothing is left of a run but its record."""
        self._children.pop(child.id, None)
        with contextlib.suppress(ValueError):
            self._queue.remove(child)
        if not self._children:
            self._empty.set()

    # The rest.

    async def _accept(self, child: Child) -> None:
        try:
            await child.accept()
        finally:
            self._expected -= 1

    def _enter(self, child: Child) -> None:
        self._children[child.id] = child
        child.enter()
        self._empty.clear()
        self._queue.append(child)
        if self._closing:
            self._leave_the_queue()
        self._fill()

    def _fill(self) -> None:
        while self._queue and len(self._placed) < self._settings.max_runs and not self._closing:
            child = self._queue.popleft()
            if child.state is State.QUEUED:
                self._placed.add(child)
                child.signal(Signal.PLACED)

    def _leave_the_queue(self) -> None:
        # Their records say that they are queued: no code of theirs ever ran.
        for child in [waiting for waiting in self._queue if waiting.state is State.QUEUED]:
            child.abandon()
            self.over(child)

    def _cancel_for_stop(self, child: Child, reason: str) -> None:
        task = asyncio.create_task(child.cancel(reason))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        task.add_done_callback(_heard)

    async def _until_empty(self, end: float) -> None:
        if self._children:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(end):
                    await self._empty.wait()

    async def _abandon(self) -> None:
        if self._children:
            await self.stop("the server is stopping", within=2 * KILL_SECONDS)
        for child in self._children.values():
            child.abandon()

    def _knock(self, connection: Connection, hello: pipe.Hello) -> None:
        child = self._children.get(hello.run)
        if child is None:
            connection.refuse()
        else:
            child.knock(connection, hello)

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise ShuttingDown("the server is stopping: start the run on the one that follows")


def _heard(task: "asyncio.Task[None]") -> None:
    """Look at a task's error where nobody else does: whoever waited has been told."""
    if not task.cancelled():
        task.exception()

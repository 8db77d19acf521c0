"""All runs of this server, from their acceptance or discovery to its end."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal, Self

import structlog

from server.errors import InvalidInput, NotPending, SettingsError, ShuttingDown
from server.lockfile import locked
from server.records import Append, Feed, RunRecord
from server.runs import inlet, pipe, schema
from server.runs.adoption import Course, Found, course
from server.runs.body import words_name
from server.runs.catalogue import Catalogue
from server.runs.child import Child
from server.runs.connection import Connection, listen
from server.runs.containment import Keeper, Limits
from server.runs.forkserver import ForkServer
from server.runs.house import House
from server.runs.intake import Acks
from server.runs.life import Signal
from server.runs.lines import LINE_LIMIT
from server.runs.places import Places
from server.runs.process import boot_id, stat
from server.settings import Settings
from workflows.runtime.main import enter

KILL_SECONDS = 1.5  # of the time to stop in, for what has to be killed
CONCLUDE_SECONDS = 1.5  # for the terminal events that are on their way when the others are left
DRAIN_SHARE = 0.4  # of the time to stop in, for runs to end by themselves

How = Literal["leave", "drain", "cancel"]

log = structlog.get_logger()


class Runs:
    """Starts runs, at most ``max_runs`` at once, the others first come, first served.

    An async context manager: it listens at ``DATA_DIR/runs.sock`` while it is entered, and leaves
    no descriptor behind. Whoever runs at its end is left to the next server, see :meth:`stop`. Use
    it from one loop only. ``found`` are the runs that an earlier server left.
    """

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        append: Append,
        feed: Feed,
        *,
        entry: Callable[..., None] = enter,
        found: Iterable[Found] = (),
    ) -> None:
        directory = settings.data_dir / "runs"
        keeper = Keeper(directory, Limits(settings.run_memory_bytes, settings.run_processes))
        self._settings = settings
        self._house = House(
            append=append,
            catalogue=catalogue,
            forkserver=ForkServer(entry, lambda: catalogue.preload, lambda: keeper.nursery),
            keeper=keeper,
            acks=Acks(),
            directory=directory,
            address=settings.data_dir / "runs.sock",
            grace=settings.cancel_grace_seconds,
            patience=settings.reattach_seconds,
        )
        self._feed = feed
        self._found = found
        self._children: dict[str, Child] = {}
        self._places = Places(settings.max_runs, settings.max_queued_runs)
        self._closing = False
        self._stopping: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()
        self._door = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        house = self._house
        for directory in (self._settings.data_dir, house.directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory.chmod(0o700)
        async with contextlib.AsyncExitStack() as stack:
            stack.enter_context(locked(house.address, SettingsError))
            pipes = stack.enter_context(inlet.opened(self._feed))
            await stack.enter_async_context(house.keeper)
            stack.push_async_callback(house.forkserver.close)
            stack.callback(house.acks.close)
            # Before anybody can knock: a run that is not known is sent away for ever.
            self.take_up(self._found)
            house.keeper.clear()
            stack.push_async_callback(self._leave)
            await self._door.enter_async_context(listen(house.address, self._knock, pipes))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def warm_up(self) -> None:
        """Import what the first run needs, here and in the fork server, so that it finds it done.

        Nothing depends on it. Call it when the catalogue has been loaded.
        """
        await asyncio.to_thread(schema.fault, {})
        try:
            await self._house.forkserver.warm_up()
        except (OSError, EOFError) as error:
            if not self._closing:
                log.warning("No fork server yet: the first run tries again", error=str(error))

    # Runs.

    def check_capacity(self) -> None:
        """Raise :class:`AtCapacity` when a run could neither start nor wait."""
        self._places.check_capacity()

    async def accept(self, record: RunRecord) -> RunRecord:
        """Commit a run, and give it a place or let it wait for one; returns its record.

        Raises :class:`AtCapacity`, :class:`InvalidInput` for an input that does not fit into a
        line of the pipe, :class:`ShuttingDown`, :class:`StoreUnavailable`. Then there is no run.
        """
        self._refuse_when_closing()
        self.check_capacity()
        if len(pipe.start(record.workflow, record.input)) > LINE_LIMIT:
            raise InvalidInput("the input is longer than 1 MiB", path="input")
        child = Child(record, self._house, self)
        self._places.expect()
        # In a task of its own: a caller who leaves cannot leave half a run behind.
        accepting = asyncio.create_task(self._accept(child))
        accepting.add_done_callback(_heard)
        await asyncio.shield(accepting)
        return child.record

    def take_up(self, found: Iterable[Found]) -> None:
        """Take over the runs of a server that is no more: see :mod:`server.runs.adoption`."""
        courses: Counter[Course] = Counter()
        kept = set()
        for one in found:
            child = Child(one.record, self._house, self, one.n)
            decided = course(one.record, stat(one.record.pid), boot_id())
            courses[decided] += 1
            if decided is Course.QUEUE:
                self._enter(child)
                if one.record.cancel is not None:
                    child.cancelled()
            else:
                kept.add(words_name(one.record.id, bytes.fromhex(one.record.secret_hash)))
                self._adopt(child)
        for left in self._house.directory.glob("*.stderr"):
            if left.name not in kept:
                left.unlink()
        if courses:
            counts = {each.name.lower(): courses[each] for each in Course}
            log.info("Runs of an earlier server", **counts)

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

    async def stop(self, how: How, reason: str, within: float) -> None:
        """Take no more runs, and see to those that there are, in ``within`` seconds at most.

        ``leave`` lets go of their processes, which live on and look for the next server; ``cancel``
        cancels every run that has a process, and kills in the end what does not listen; ``drain``
        gives them some of the time to end by themselves before. Queued runs wait for the next
        server in any case.
        """
        self._closing = True
        self._leave_the_queue()
        end = asyncio.get_running_loop().time() + within
        if how == "drain":
            await self._until_empty(end - within * (1 - DRAIN_SHARE))
        if how != "leave":
            await self._cancel_all(reason, end)
        await self._leave()

    async def _cancel_all(self, reason: str, end: float) -> None:
        within = end - asyncio.get_running_loop().time()
        for child in list(self._children.values()):
            self._cancel_for_stop(child, reason)
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=within / 2)
        self._house.forkserver.refuse()
        await self._until_empty(end - min(KILL_SECONDS, within / 2))
        for child in list(self._children.values()):
            child.overdue()
        await self._until_empty(end)

    async def _leave(self) -> None:
        self._closing = True
        self._house.forkserver.refuse()
        # First of all: whoever is let go comes back at once, and would find itself unknown.
        await self._door.aclose()
        self._let_go(lambda child: not child.concluding)
        await self._until_empty(asyncio.get_running_loop().time() + CONCLUDE_SECONDS)
        self._let_go(lambda _: True)

    def _let_go(self, which: Callable[[Child], bool]) -> None:
        for child in filter(which, list(self._children.values())):
            child.let_go()
            self.over(child)

    # Owner.

    def accepted(self, child: Child) -> None:
        """A run is committed: it starts now, or waits for its turn."""
        self._enter(child)

    def freed(self, child: Child) -> None:
        """A process is gone."""
        self._places.free(child)

    def over(self, child: Child) -> None:
        """Nothing is left of a run but its record."""
        self._children.pop(child.id, None)
        self._places.forget(child)
        if not self._children:
            self._empty.set()

    # The rest.

    async def _accept(self, child: Child) -> None:
        try:
            await child.accept()
        finally:
            self._places.settle()

    def _enter(self, child: Child) -> None:
        self._children[child.id] = child
        child.enter()
        self._empty.clear()
        self._places.enter(child)
        if self._closing:
            self._leave_the_queue()

    def _adopt(self, child: Child) -> None:
        self._children[child.id] = child
        self._places.hold(child)
        self._empty.clear()
        child.signal(Signal.FOUND)

    def _leave_the_queue(self) -> None:
        # Their records say that they are queued: no code of theirs ever ran.
        for child in self._places.close():
            child.let_go()
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

    def _knock(self, connection: Connection, hello: pipe.Hello) -> None:
        child = self._children.get(hello.run)
        if child is not None:
            child.knock(connection, hello)
        elif self._closing:
            connection.drop()  # the next server knows whether it is one of its own
        else:
            connection.refuse()

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise ShuttingDown("the server is stopping: start the run on the one that follows")


def _heard(task: "asyncio.Task[None]") -> None:
    """Look at a task's error where nobody else does: whoever waited has been told."""
    if not task.cancelled():
        task.exception()

"""The server's side of containment: makes it ready, watches the limits, and buries."""

import asyncio
import contextlib
import hashlib
import itertools
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import structlog

from server.records import RunRecord
from server.runs.containment.contained import Contained
from server.runs.containment.ending import end_runs, end_strays
from server.runs.containment.kin import Identity
from server.runs.containment.limits import Limits
from server.runs.containment.meter import excesses
from server.runs.containment.nursery import Nursery
from server.runs.containment.slots import Ground, Slot
from server.runs.process import Leader

WATCH_SECONDS = 0.25
REMOVAL_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
CLOSE_SECONDS = 2.0
INSISTENCE = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between attempts to end who does not end
HOMES = "control-groups"  # file: directories where slots may be, one a line

log = structlog.get_logger()


class Keeper:
    """Contains the runs of one data directory. An async context manager, for one loop.

    ``runs`` is a directory of it that outlives the server.
    """

    nursery: Nursery  # from its entry on

    def __init__(self, runs: Path, limits: Limits) -> None:
        self._limits = limits
        self._runs = runs
        self._ground: Ground | None = None
        self._kept: dict[str, Contained] = {}
        self._doomed: deque[Contained] = deque()
        self._watching: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._works: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="containment")

    async def __aenter__(self) -> Self:
        about = self._runs.stat()
        # Its number, not its path: what is ended by this name later is then never another's.
        number = f"{about.st_dev}:{about.st_ino}"
        tag = hashlib.sha256(number.encode()).hexdigest()[:12]
        self._ground = await self._call(Ground.find, tag, self._limits)
        self.nursery = Nursery(self._ground, tag, self._limits)
        if any(self._limits):
            self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        if self._works:
            await asyncio.wait(self._works, timeout=CLOSE_SECONDS)
            for work in self._works:
                work.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def grouped(self) -> bool:
        """Whether runs have control groups here."""
        return self._ground is not None

    def launched(self, run: str, leader: Leader, slot: Slot | None) -> Contained:
        """A run whose process this server's fork server has started, in that slot."""
        identity = Identity(leader.pid, leader.started)
        return self._keep(Contained(self, run, identity, leader, slot, parent=leader.parent))

    def adopted(self, record: RunRecord, leader: Leader) -> Contained:
        """A run whose process an earlier server has started, since the machine's boot."""
        ground = self._ground if leader.groups else None  # that pid may be another's by now
        slot = ground.of(leader.pid) if ground is not None else None
        identity = Identity(record.pid, record.pid_started)
        return self._keep(Contained(self, record.id, identity, leader, slot))

    def clear(self) -> None:
        """End what earlier servers' runs have left. For when all that live have been adopted."""
        self._spawn(self._clear())

    async def _clear(self) -> None:
        if self._ground is None:
            await self._insist(end_strays, lambda: set(self._kept), [])
        else:
            held = {each.slot.name for each in self._kept.values() if each.slot is not None}
            for slot in await self._call(self._left_over, self._ground, held):
                slot.kill()
                self._spawn(self._remove(slot))

    # Undertaker.

    def doom(self, contained: Contained) -> None:
        """End its processes by their descent, soon."""
        self._doomed.append(contained)
        if self._ending is None or self._ending.done():
            self._ending = self._spawn(self._end_doomed())

    def release(self, contained: Contained) -> None:
        """It is over."""
        if self._kept.get(contained.run) is contained:
            del self._kept[contained.run]
        if contained.slot is not None:
            self._spawn(self._remove(contained.slot))

    # The rest.

    def _keep(self, contained: Contained) -> Contained:
        self._kept[contained.run] = contained
        return contained

    async def _end_doomed(self) -> None:
        while self._doomed:
            batch = list(self._joining())
            if not await self._call(end_runs, batch, self.nursery, self._joining):
                self._spawn(self._insist(end_runs, batch, [each.run for each in batch]))

    def _joining(self) -> Iterator[Contained]:
        """Who has been doomed since. From any thread."""
        with contextlib.suppress(IndexError):
            while True:
                yield self._doomed.popleft()

    async def _insist(self, end: Callable[..., bool], whom: Any, runs: list[str]) -> None:
        """Whoever flees tires, and who waits for a device comes back from it, in their time.

        ``runs`` are what is logged; none for what earlier servers have left.
        """
        for pause in itertools.chain(INSISTENCE, itertools.repeat(INSISTENCE[-1])):
            await asyncio.sleep(pause)
            if await self._call(end, whom, self.nursery):
                return
            log.warning("Processes of runs do not end", runs=runs)

    async def _remove(self, slot: Slot) -> None:
        for pause in REMOVAL_PAUSES:  # the dead leave in their own time
            if await self._call(slot.remove):
                return
            await asyncio.sleep(pause)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            watched = [each for each in self._kept.values() if not each.told]
            for contained, reason in await self._call(excesses, watched, self._limits):
                contained.tell(reason)

    def _left_over(self, ground: Ground, held: Collection[str]) -> list[Slot]:
        """On a thread. A server may be started elsewhere than the one before it."""
        note = self._runs / HOMES
        with contextlib.suppress(FileNotFoundError):
            ground.remember(map(Path, note.read_text().splitlines()))
        note.write_text("".join(f"{home}\n" for home in ground.known()))
        ground.tidy()
        return ground.left_over(held)

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, function, *arguments)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return task

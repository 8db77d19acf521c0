"""Where a scenario takes place: a server, runs, subscribers, and at the end the verdict."""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from chaos import journal
from chaos.api import Api
from chaos.figures import Figure
from chaos.history import TERMINAL, History
from chaos.reader import TRANSPORTS, Reader
from chaos.seen import Watcher
from chaos.server import Server
from chaos.verdict import Expected, Verdict, judge

PATIENCE = 60.0
"""Seconds for what must come and may take long on a busy machine."""
LEAVING = 10.0

R = TypeVar("R", bound=Reader)
T = TypeVar("T")


class Arena:
    """What a scenario uses. ``dice`` is the only source of chance; ``size`` says how much to do."""

    def __init__(self, seed: int, size: int, folder: Path) -> None:
        self.seed = seed
        self.size = size
        self.folder = folder
        self.dice = random.Random(seed)
        self.verdict = Verdict()
        self.figures: dict[str, Figure] = {}
        self.runs: list[Expected] = []
        self.readers: list[Reader] = []
        self.server: Server
        self.api: Api
        self.broken: list[str] = []
        self._journals: dict[str, Path] = {}
        self._following: dict[Reader, asyncio.Task[None]] = {}
        self._baseline: Counter[str] = Counter()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._following.values():
            task.cancel()
        await asyncio.gather(*self._following.values(), return_exceptions=True)
        await self._stack.aclose()

    # The server.

    async def serve(
        self,
        *,
        data_dir: Path | None = None,
        host: str = "127.0.0.1",
        wrapper: Sequence[str] = (),
        **settings: object,
    ) -> Server:
        """Start the server of this scenario and have it do everything once, for a baseline."""
        self.server = Server(data_dir or self.folder / "data", settings, host=host, wrapper=wrapper)
        self._stack.callback(self.server.destroy)
        self.api = await self._stack.enter_async_context(Api(self.server.url))
        await self.server.start()
        first = await self.start("steady", events=1)
        await self.ended([first])
        await self.api.history(first.session)
        # The process that is forked ahead of the next run comes a moment after the last start.
        await self._settled(lambda: not self.server.stands_by())
        self._baseline = Counter(self.server.descriptors())
        return self.server

    def enter(self, context: AbstractContextManager[T]) -> T:
        """Enter a context for as long as the scenario and its server last; before it is started."""
        return self._stack.enter_context(context)

    # Runs.

    async def start(
        self,
        workflow: str,
        session: str | None = None,
        *,
        ends: Iterable[str] = ("complete",),
        journaled: bool = True,
        **given: object,
    ) -> Expected:
        """Start a run, however often the server goes away meanwhile; it must end in ``ends``.

        A ``journaled`` one is given the path of its journal as the input ``journal``. The key makes
        the repetitions one run.
        """
        key = self.word("k")
        path = self.folder / f"{key}.journal"
        if journaled:
            given["journal"] = str(path)
        where = f"/api/sessions/{session}/runs" if session else "/api/runs"
        body = {"workflow": workflow, "input": given}
        answer = await self.api.insist("POST", where, body, {"Idempotency-Key": key})
        if answer.status != 202:
            raise RuntimeError(f"{workflow} was not accepted: {answer.status} {answer.body!r}")
        run = Expected(answer.json["id"], answer.json["session"], frozenset(ends))
        self.runs.append(run)
        if journaled:
            self._journals[run.run] = path
        return run

    def journal(self, run: Expected) -> journal.Journal:
        """What a run has noted so far."""
        return journal.read(self._journals[run.run])

    async def ended(self, runs: Iterable[Expected], within: float = PATIENCE) -> bool:
        """Wait until each has ended; False if one has not in that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                for run in runs:
                    while (await self.api.run(run.run))["state"] not in TERMINAL:
                        await asyncio.sleep(0.05)
                return True
        return False

    # Subscribers.

    def read(
        self,
        session: str,
        transport: str | None = None,
        *,
        watch: Watcher | None = None,
        **options: Any,
    ) -> Reader:
        """Have a subscriber follow a session to the end of the scenario; drawn transport if none.

        ``options`` are those of :class:`Reader`. It must have the whole log at the end.
        """
        transport = transport or self.dice.choice(TRANSPORTS)
        dice = random.Random(self.dice.random())
        options = {"address": self.server, **options}
        return self.join(
            Reader(session=session, transport=transport, dice=dice, watch=watch, **options)
        )

    def join(self, reader: R) -> R:
        """The same for a reader that is made already."""
        self.readers.append(reader)
        self._following[reader] = asyncio.create_task(reader.follow())
        return reader

    async def over(self, reader: Reader) -> None:
        """Wait until a subscriber's stream is complete; raises what its task raises."""
        await asyncio.shield(self._following[reader])

    async def current(
        self, readers: Iterable[Reader] | None = None, within: float = PATIENCE
    ) -> float | None:
        """Wait until these (all) are connected and have all that is in their logs now.

        Returns the seconds that it took, None if one was not in that time.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        readers = list(self.readers if readers is None else readers)
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                ends = {
                    session: await self.api.last(session)
                    for session in {reader.seen.session for reader in readers}
                }
                for reader in readers:
                    await self.until(
                        lambda reader=reader: reader.offset >= ends[reader.seen.session]  # type: ignore[misc]
                    )
                return loop.time() - began
        return None

    # Small matters.

    def word(self, lead: str) -> str:
        """A word that nobody else has; not from the dice, so that two plays do not meet."""
        return f"{lead}{secrets.token_hex(8)}"

    async def until(self, true: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait for a condition; raises TimeoutError."""
        async with asyncio.timeout(within):
            while not true():
                await asyncio.sleep(0.01)

    def figure(
        self, name: str, value: float, *, unit: str = "s", most: float | None = None
    ) -> None:
        """Add a value to a figure."""
        self.figures.setdefault(name, Figure(name, unit, most)).values.append(value)

    def require(self, holds: bool, what: str) -> None:
        """Have the scenario fail, with these words, unless it holds."""
        if not holds:
            self.broken.append(what)

    def found(self, fault: str, what: str, count: int = 1) -> None:
        """Count a fault that only the scenario can see."""
        self.verdict.found(fault, what, count)

    # The end.

    async def finish(self) -> Verdict:
        """Wait for the ends of all runs and subscribers, read the whole history, and judge."""
        if not self.server.running:
            await self.server.start()
        await self.ended(self.runs)
        histories = await self._histories()
        for reader in self.readers:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await reader.reached(histories[reader.seen.session].last)
        await self._leave()
        journals = {run: journal.read(path) for run, path in self._journals.items()}
        judged = judge(histories, self.runs, journals, [reader.seen for reader in self.readers])
        if judged.streams:
            same = f"of {judged.streams:,}"
            self.figure("streams that are the history, hash by hash", judged.same, unit=same)
        await self._leaks()
        judged.faults.update(self.verdict.faults)
        judged.findings[:0] = self.verdict.findings
        return judged

    async def _histories(self) -> dict[str, History]:
        sessions = {run.session for run in self.runs}
        sessions |= {reader.seen.session for reader in self.readers}
        return {session: await self.api.history(session) for session in sorted(sessions)}

    async def _leave(self) -> None:
        """End every subscriber; one that had given up for good has a fault to tell."""
        for reader, task in self._following.items():
            if task.done() and not task.cancelled() and (error := task.exception()):
                self.found("unsignalled_gaps", f"{reader.seen.name}: {error!r}")
            task.cancel()
        await asyncio.gather(*self._following.values(), return_exceptions=True)
        self._following.clear()

    async def _leaks(self) -> None:
        """Look at what the server holds, then end it and look at what it leaves."""
        # What a fork server owed when it was stopped is taken with the next start.
        last = await self.start("steady", events=1)
        await self.ended([last])
        await self.api.release()
        surplus = await self._settled(lambda: Counter(self.server.descriptors()) - self._baseline)
        if surplus:
            self.found("leaked_descriptors", str(dict(surplus)), surplus.total())
        code, _ = await self.server.terminate()
        self.require(code == 0, f"SIGTERM ended the server with {code}")
        strays = self.server.strays()
        self.require(not strays, f"only log lines are in the log: {len(strays)}, {strays[:3]}")
        left = await self._settled(self.server.processes)
        if left:
            self.found("leaked_processes", ", ".join(map(str, left)), len(left))

    async def _settled(self, look: Callable[[], Any]) -> Any:
        """What is still found after some seconds, if anything."""
        deadline = asyncio.get_running_loop().time() + LEAVING
        while (found := look()) and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        return found


async def together(limit: int, works: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Do these, at most ``limit`` at a time; the first error ends all."""
    places = asyncio.Semaphore(limit)

    async def one(work: Callable[[], Awaitable[None]]) -> None:
        async with places:
            await work()

    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(one(work))

"""Runs that come and go, and subscribers of each: the load under which things break."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from chaos.arena import PATIENCE, Arena
from chaos.reader import Reader
from chaos.verdict import Expected  # noqa: TC001 (not worth an import of its own kind)

WORKFLOWS = ("steady", "steady_async")


class Traffic:
    """So many runs at any time, and so many subscribers, spread over them and the transports."""

    def __init__(
        self,
        arena: Arena,
        *,
        runs: int = 5,
        readers: int = 50,
        rate: float = 40,
        events: tuple[int, int] = (40, 400),
    ) -> None:
        """``rate`` is of events of one run in a second, ``events`` how many it emits."""
        self._arena = arena
        self._runs = runs
        self._readers = readers
        self._rate = rate
        self._events = events
        self._lanes: list[asyncio.Task[None]] = []
        self._over = asyncio.Event()
        self.started = 0
        self.watching: dict[str, list[Reader]] = {}
        """The subscribers of the runs that are under way, by session."""
        self.going: dict[str, Expected] = {}
        """Those runs."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._lanes = [loop.create_task(self._lane(number)) for number in range(self._runs)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Start nothing more, and wait for the ends of what is under way."""
        self._over.set()
        if error is not None:
            for lane in self._lanes:
                lane.cancel()
        ends = await asyncio.gather(*self._lanes, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and error is None:
                raise end

    @property
    def subscribers(self) -> list[Reader]:
        """Those of the runs that are under way."""
        return [reader for readers in self.watching.values() for reader in readers]

    def check(self) -> None:
        """Raise what ended a lane before its time."""
        for lane in self._lanes:
            if lane.done() and not lane.cancelled() and (error := lane.exception()):
                raise error

    async def begun(self) -> None:
        """Wait until every run that is asked for now has begun."""
        asked = self.watching.keys() - self.going.keys()
        async with asyncio.timeout(PATIENCE):
            while asked & self.watching.keys() - self.going.keys():
                self.check()
                await asyncio.sleep(0.01)

    async def _lane(self, number: int) -> None:
        share = self._readers // self._runs + (number < self._readers % self._runs)
        while not self._over.is_set():
            await self._one(share)

    async def _one(self, share: int) -> None:
        arena, session = self._arena, self._arena.word("s")
        readers: list[Reader] = [arena.read(session, until="run") for _ in range(share)]
        self.watching[session] = readers
        try:
            run = await arena.start(
                arena.dice.choice(WORKFLOWS),
                session,
                events=arena.dice.randint(*self._events),
                rate=self._rate,
                seed=arena.dice.randrange(1 << 30),
            )
            self.started += 1
            self.going[session] = run
            if readers:
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE + self._events[1] / self._rate):
                        await arena.over(readers[0])
            else:
                await arena.ended([run])
        finally:
            self.watching.pop(session, None)
            self.going.pop(session, None)

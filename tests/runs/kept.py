"""A log in memory, with the promises of `server.records.Append` and a switch for a bad day."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from server.errors import StoreUnavailable
from server.eventlog import feeds
from server.events import TERMINAL, Draft, Event
from server.records import RunRecord, Then


class Kept:
    """What was appended, session by session, and how to wait for it."""

    def __init__(self) -> None:
        self.events: dict[str, list[Event]] = defaultdict(list)
        self.records: dict[str, RunRecord] = {}
        self.history: list[RunRecord] = []
        self.refuses = False
        self.refused = 0
        self.holds = False
        self._held: list[Callable[[], None]] = []
        self._numbers: dict[str, int] = defaultdict(int)
        self._news = asyncio.Condition()

    def append(
        self,
        session: str,
        drafts: Sequence[Draft],
        then: Then,
        *,
        producer: str = "",
        record: RunRecord | None = None,
    ) -> None:
        """Keep it in a later turn of the loop, or when `release` is called."""
        loop = asyncio.get_running_loop()

        def commit() -> None:
            if self.refuses:
                self.refused += 1
                then((), StoreUnavailable("the disk is full"))
            else:
                then(self._keep(session, drafts, producer, record), None)
            self._tasks = loop.create_task(self._tell())

        if self.holds:
            self._held.append(commit)
        else:
            loop.call_soon(commit)

    feed = staticmethod(feeds.always)

    def release(self) -> None:
        """Commit what was held."""
        self.holds = False
        held, self._held = self._held, []
        for commit in held:
            commit()

    @property
    def holding(self) -> int:
        """Appends that wait for `release`."""
        return len(self._held)

    def _keep(
        self, session: str, drafts: Sequence[Draft], producer: str, record: RunRecord | None
    ) -> Sequence[Event]:
        log, new = self.events[session], []
        for draft in drafts:
            if draft.n and draft.n <= self._numbers[producer]:
                continue
            self._numbers[producer] = draft.n or self._numbers[producer]
            new.append(draft.at(len(log) + 1))
            log.append(new[-1])
        if record is not None:
            self.records[record.id] = record
            self.history.append(record)
        return new

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until something that was appended makes it true."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(condition)
        await asyncio.sleep(0)  # let those hear of it first whose append it was

    def last_number(self, run: str) -> int:
        """The last committed number of a run's lines."""
        return self._numbers[run]

    # What a test asks about one run. Every run of a test has a session of the same name.

    def of(self, run: str) -> list[dict[str, Any]]:
        """The events of a run, decoded."""
        return [msgspec.json.decode(event.line) for event in self.events[f"s_{run}"]]

    def types(self, run: str) -> list[str]:
        """Their types, without what was printed."""
        return [event.type for event in self.events[f"s_{run}"] if event.type != "log"]

    async def end(self, run: str) -> dict[str, Any]:
        """Wait for a run's terminal event; it is the only one, and the last."""
        await self.until(lambda: any(event.type in TERMINAL for event in self.events[f"s_{run}"]))
        events = self.of(run)
        assert [event["offset"] for event in events] == list(range(1, len(events) + 1))
        assert [event["type"] in TERMINAL for event in events].count(True) == 1
        assert events[-1]["type"] in TERMINAL
        assert self.records[run].state == events[-1]["type"]
        return events[-1]

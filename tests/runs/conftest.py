"""Real children of a real fork server, and a log in memory."""

import asyncio
import itertools
import logging
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from server.events import now
from server.records import RunRecord
from server.runs import Catalogue, Found, Runs
from server.runs.children import How
from server.runs.containment.limits import Limits
from server.runs.containment.slots import Ground
from server.runs.life import State
from server.settings import Settings
from tests.runs.kept import Kept
from tests.system.processes import descriptors
from workflows.runtime.main import enter

#: They need control groups that can be made.
collect_ignore = [] if Ground.find("probe", Limits()) is not None else ["test_slots.py"]

_ids = itertools.count(1)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A line for each event would bury what a failing test has to say."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


def a_record(workflow: str, *, timeout: float = 60, **value: Any) -> RunRecord:
    """A run as it is handed to `Runs.accept`."""
    run = f"r_{next(_ids)}"
    return RunRecord(
        id=run,
        session=f"s_{run}",
        workflow=workflow,
        input=value,
        labels={},
        state="queued",
        created=now(),
        timeout=timeout,
    )


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The programs of these tests, loaded once."""
    catalogue = Catalogue(["tests.runs.programs"])
    asyncio.run(catalogue.load())
    return catalogue


class Place:
    """Runs, the log they write to, and how to start one."""

    def __init__(self, runs: Runs, kept: Kept) -> None:
        self.runs = runs
        self.kept = kept

    async def start(self, workflow: str, *, timeout: float = 60, **value: Any) -> str:
        """Accept a run; returns its id."""
        record = a_record(workflow, timeout=timeout, **value)
        await self.runs.accept(record)
        return record.id

    async def started(self, workflow: str, *, timeout: float = 60, **value: Any) -> str:
        """Accept a run and wait for its first event of its own."""
        run = await self.start(workflow, timeout=timeout, **value)
        await self.kept.until(lambda: len(self.kept.types(run)) > 1)
        return run

    async def reached(self, run: str) -> None:
        """Wait until the process of a run that was found has come."""
        child = self.runs._children[run]
        async with asyncio.timeout(60):
            while child.state is State.AWAITED:
                await asyncio.sleep(0.005)

    async def end_of(self, workflow: str, *, timeout: float = 60, **value: Any) -> dict[str, Any]:
        """Run to the end; returns the terminal event."""
        return await self.kept.end(await self.start(workflow, timeout=timeout, **value))


Open = Callable[..., Any]


@pytest.fixture
def open_runs(tmp_path: Path, catalogue: Catalogue) -> Open:
    """A context manager that opens `Runs` with these settings, and ends what runs at its end."""

    @asynccontextmanager
    async def opened(
        *,
        entry: Callable[..., None] | None = None,
        data_dir: Path | None = None,
        of: Catalogue = catalogue,
        kept: Kept | None = None,
        found: Sequence[Found] = (),
        stop: How = "cancel",
        **settings: Any,
    ) -> AsyncIterator[Place]:
        kept = kept or Kept()
        given = Settings(**{"data_dir": data_dir or tmp_path / "data", **settings})
        async with Runs(
            given, of, kept.append, kept.feed, entry=entry or enter, found=found
        ) as runs:
            try:
                yield Place(runs, kept)
            finally:
                await runs.stop(stop, "the test is over", within=4)

    return opened


@pytest.fixture
async def place(open_runs: Open) -> AsyncIterator[Place]:
    """Runs with a short grace."""
    async with open_runs(cancel_grace_seconds=0.5) as place:
        yield place


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not, unless a thread of it goes on."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return fields[0] not in "ZX" or int(fields[17]) > 1


async def until_gone(pid: int) -> None:
    """Wait for the end of a process that is not ours to wait for."""
    async with asyncio.timeout(60):
        while alive(pid):
            await asyncio.sleep(0.01)


def open_descriptors() -> Counter[str]:
    """What this process has open, and how many of each kind."""
    return Counter(re.sub(r"\d+", "", each) for each in descriptors(os.getpid()))

"""Groups of 200 events of 200 sessions: what a commit costs beside a plain file with ``fdatasync``.

The store does all that it does in a server: numbers for each session, the table that paging and a
restart read, checkpoints. The file gets the same lines, and could not be read again by session. Its
lines are ready when its time begins, so what there is to compare is the commit: the writer's
thread, with what it packs meanwhile. What Python does before and after it, and the copying of the
write-ahead log on the same core, are in the time from an append to its answer.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.events import PAD
from bench.figures import percentile, ratio
from bench.machine import SERVER_CORE
from bench.size import Size
from bench.table import Table
from server import telemetry
from server.eventlog import EventLog, sqlite
from server.events import Draft, Event, draft
from server.records import SessionRecord

GROUP = 200
DATA = b'{"message":"m1","text":"%b"}' % PAD.encode()


def commit(size: Size) -> Table:
    """The table: both in turn, by the core that a server would have."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        ours, commits, theirs = asyncio.run(_measure(size.of(2000, 100), size.of(5, 1)))
    finally:
        os.sched_setaffinity(0, cores)
    table = Table(
        f"Commits of {GROUP} events of {GROUP} sessions",
        ["where", "a group", "p99", "an event", "it : a plain file"],
    )
    for label, groups in (
        ("Keepstream's log (SQLite, FULL), from append to answer", ours),
        ("of that the commit, with what paging and a restart need", commits),
        ("a plain file", theirs),
    ):
        table.row(
            label,
            f"{median(sum(each) / len(each) for each in groups) * 1e3:.2f} ms",
            f"{median(percentile(each, 99) for each in groups) * 1e3:.2f} ms",
            f"{median(sum(each) / len(each) for each in groups) / GROUP * 1e6:.1f} µs",
            f"{ratio([*map(sum, groups)], [*map(sum, theirs)]):.2f}"
            if groups is not theirs
            else "",
        )
    table.note(f"medians of {len(ours)} rounds of {len(ours[0]):,} groups, one after the other")
    return table


Rounds = list[list[float]]


async def _measure(groups: int, rounds: int) -> tuple[Rounds, Rounds, Rounds]:
    ours, commits, theirs = [], [], []
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        sessions = [SessionRecord(id=f"s{n}") for n in range(GROUP)]
        async with sqlite.open(Path(folder) / "db") as events:
            await _append(events, sessions, 0, groups // 10)  # warm
            for each in range(rounds):
                took = await _append(events, sessions, groups * (each + 1), groups)
                ours.append([whole for whole, _ in took])
                commits.append([commit for _, commit in took])
                theirs.append(_write(Path(folder) / "file", groups))
    return ours, commits, theirs


async def _append(
    events: EventLog, sessions: list[SessionRecord], first: int, groups: int
) -> list[tuple[float, float]]:
    """Seconds of each group, and those of them that its commits took."""
    took = []
    for n in range(first + 1, first + 1 + groups):
        drafts = [_draft(n) for _ in sessions]
        before, began = _committing(), time.perf_counter()
        answers = _Answers(len(sessions))
        for session, each in zip(sessions, drafts, strict=True):
            events.submit(session, [each], answers.one, producer="r")
        await answers.all
        took.append((time.perf_counter() - began, _committing() - before))
    return took


def _committing() -> float:
    """Seconds that commits have taken in all, as the metrics page says."""
    return telemetry.REGISTRY.get_sample_value("keepstream_commit_seconds_sum") or 0.0


class _Answers:
    """As many as a group has appends, each as a run gets it."""

    def __init__(self, wanted: int) -> None:
        self.all: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = wanted

    def one(self, _events: Sequence[Event], error: Exception | None) -> None:
        """Count one."""
        if error is not None:
            raise error
        self._left -= 1
        if not self._left:
            self.all.set_result(None)


def _write(path: Path, groups: int) -> list[float]:
    took = []
    with path.open("ab", buffering=0) as file:
        for n in range(groups):
            lines = b"\n".join([_draft(n).at(n).line for _ in range(GROUP)])
            began = time.perf_counter()
            file.write(lines)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return took


def _draft(n: int) -> Draft:
    return draft("agent_delta", "r_" + "a" * 25, DATA, speaker=b'"agent":"Coder","span":"s1",', n=n)

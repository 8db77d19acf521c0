"""A long time under load, and what grows in it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from chaos import proc
from chaos.arena import Arena
from chaos.scenario import scenario
from chaos.traffic import Traffic

MIB = 1 << 20


@dataclass
class Gauge:
    """One thing, looked at every second.

    It is flat when the median of the last third is not above that of the middle third by more than
    ``share`` of it and ``slack`` together. The first third is left out: caches fill, the heap finds
    its size.
    """

    name: str
    unit: str
    look: Callable[[], float]
    share: float
    slack: float
    values: list[float] = field(default_factory=list)

    def thirds(self) -> tuple[float, float]:
        """Medians of the middle and the last third."""
        third = len(self.values) // 3
        return median(self.values[third : 2 * third]), median(self.values[2 * third :])

    @property
    def flat(self) -> bool:
        """Whether it has not grown."""
        before, after = self.thirds()
        return after <= before * (1 + self.share) + self.slack


def gauges(arena: Arena) -> list[Gauge]:
    """What the server, its fork server and its store take, and the processes that it has made."""
    server = arena.server
    wal = server.data_dir / "keepstream.db-wal"
    forks = server.fork_server()
    assert forks is not None  # it has started a run already, for the baseline
    return [
        Gauge("memory", "MiB", lambda: server.resident() / MIB, 0.05, 8),
        Gauge("fork server's memory", "MiB", lambda: proc.resident(forks) / MIB, 0.05, 4),
        Gauge("descriptors", "", lambda: len(server.descriptors()), 0.0, 8),
        Gauge("fork server's descriptors", "", lambda: len(proc.descriptors(forks)), 0.0, 8),
        Gauge("processes", "", lambda: len(server.processes()), 0.0, 3),
        Gauge("WAL", "MiB", lambda: wal.stat().st_size / MIB if wal.exists() else 0, 0.25, 4),
    ]


@scenario("soak", size=1800, ci=6, unit="seconds")
async def soak(arena: Arena) -> None:
    """Runs and subscribers come and go; memory, descriptors, processes and WAL stay flat."""
    await arena.serve(CANCEL_GRACE_SECONDS=0.5)
    watched = gauges(arena)
    async with Traffic(arena, runs=8, readers=32, rate=200, events=(20, 600)) as traffic:
        for _ in range(arena.size):
            await asyncio.sleep(1)
            await traffic.begun()  # each time as much is under way, however long a start takes
            traffic.check()
            for gauge in watched:
                gauge.values.append(gauge.look())
    for gauge in watched:
        before, after = gauge.thirds()
        against = f"{gauge.unit} (before: {before:,.1f})".lstrip()
        arena.figure(f"{gauge.name} in the last third", after, unit=against)
        grown = f"{gauge.name} grew from {before:.1f} to {after:.1f} {gauge.unit}"
        arena.require(gauge.flat, grown)
    arena.figure("runs", traffic.started, unit="")

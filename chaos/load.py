"""What the harness itself takes of the machine: its figures are worth as much as it is idle."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from chaos.figures import Figure

EVERY = 0.01


@dataclass
class Load:
    """Looks while it is entered.

    ``busy`` is this process's share of one core, ``machine`` everybody's share of all cores,
    ``late`` by how many seconds this process's loop woke up after it should have: so much of any
    time that it has measured may be its own.
    """

    busy: float = 0.0
    machine: float = 0.0
    late: Figure = field(default_factory=lambda: Figure("late"))

    async def __aenter__(self) -> Self:
        self._began = time.monotonic(), time.process_time(), _machine()
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._looking.cancel()
        wall, cpu, (busy, every) = self._began
        busy_now, every_now = _machine()
        self.busy = (time.process_time() - cpu) / (time.monotonic() - wall)
        self.machine = (busy_now - busy) / max(1, every_now - every)

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            self.late.values.append(loop.time() - due)

    def __str__(self) -> str:
        late = f"{self.late.percentile(99) * 1000:.0f} ms" if self.late.values else "unknown"
        return f"{self.busy:.0%} of a core, late by {late} (p99); machine {self.machine:.0%} busy"


def _machine() -> tuple[int, int]:
    """Ticks of all cores since the boot: busy ones, and all; proc_stat(5)."""
    user, nice, system, idle, iowait, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    busy = user + nice + system + irq + softirq
    return busy, busy + idle + iowait

"""One scenario from its seed to its verdict."""

import asyncio
import shutil
import signal
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from chaos.arena import Arena
from chaos.figures import Figure
from chaos.load import Load
from chaos.scenario import Scenario
from chaos.verdict import Verdict


@dataclass
class Played:
    """How it went. ``broke`` is the trace of a scenario that did not come to its end."""

    scenario: Scenario
    size: int
    seed: int
    verdict: Verdict
    figures: list[Figure]
    seconds: float
    load: Load
    broke: str = ""
    broken: tuple[str, ...] = ()
    kept: Path | None = None

    @property
    def good(self) -> bool:
        """Whether it came to its end and nothing was found."""
        return self.verdict.good and not self.broke and not self.broken

    def told(self) -> str:
        """The verdict's line, the figures, and if it is bad what replays it."""
        lines = [self.verdict.line(self.seed), *(f"  {figure}" for figure in self.figures)]
        lines += [f"  harness {self.load}"]
        if not self.good:
            lines += [f"  {finding}" for finding in self.verdict.findings]
            lines += [f"  not kept: {each}" for each in self.broken]
            lines += [self.broke] if self.broke else []
            lines += [f"  data and logs: {self.kept}"]
            lines += [f"  replay: {self.scenario.command(self.size, self.seed)}"]
        return "\n".join(lines)

    def row(self) -> str:
        """Its row in the table."""
        size = f"{self.size:,} {self.scenario.unit}"
        figures = "; ".join(map(str, self.figures))
        cells = (self.scenario.name, size, f"{self.verdict.acked:,}", self.faults, figures)
        return f"| {' | '.join(cells)} | {self.seconds:,.0f} s |"

    @property
    def faults(self) -> str:
        """All that makes it bad, in few words; 0 where nothing does."""
        found = [f"{fault} {n:,}" for fault, n in self.verdict.faults.items() if n]
        found += [f"not kept: {each}" for each in self.broken]
        found += ["did not end"] if self.broke else []
        return "; ".join(found).replace("|", "/").replace("\n", " ") or "0"


async def play(scenario: Scenario, size: int, seed: int) -> Played:
    """Play it in a folder of its own, which is kept if the verdict is bad."""
    task = asyncio.current_task()
    assert task is not None
    # Whoever ends the harness ends what it has started too.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{scenario.name}-"))
    began, broke, load = time.monotonic(), "", Load()
    async with Arena(seed, size, folder) as arena:
        try:
            async with load:
                await scenario.play(arena)
            verdict = await arena.finish()
        except Exception:  # noqa: BLE001 (told, with what replays it)
            verdict, broke = arena.verdict, traceback.format_exc()
    seconds = time.monotonic() - began
    figures = list(arena.figures.values())
    played = Played(scenario, size, seed, verdict, figures, seconds, load, broke)
    played.broken, played.kept = tuple(arena.broken), folder
    if played.good:
        shutil.rmtree(folder, ignore_errors=True)
        played.kept = None
    return played

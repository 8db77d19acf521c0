"""A run that takes too much is ended, says so, and hurts nobody else."""

from pathlib import Path

import pytest

from server.runs import Catalogue
from tests.runs.conftest import Open
from tests.runs.containing import escaping, nobody, noted, tier, where
from tests.runs.escapes import MOST_PROCESSES

__all__ = ["escaping", "tier", "where"]

MEMORY = 96 << 20
PROCESSES = 20


async def test_a_fork_bomb_is_ended(
    open_runs: Open, escaping: Catalogue, tier: str, where: Path
) -> None:
    """As `limit_exceeded`, with all its processes; another run goes on."""
    async with open_runs(of=escaping, run_processes=PROCESSES) as place:
        end = await place.end_of("bombs", where=str(where))
        assert end["data"]["code"] == "limit_exceeded"
        assert f"RUN_PROCESSES, {PROCESSES}" in end["data"]["message"]
        await nobody(where)
        if tier == "groups":
            assert len(noted(where)) < PROCESSES
        assert len(noted(where)) <= MOST_PROCESSES
        assert (await place.end_of("counts_its_children"))["type"] == "complete"


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_memory_hog_is_ended(
    open_runs: Open, escaping: Catalogue, tier: str, where: Path, elsewhere: bool
) -> None:
    """As `limit_exceeded`, whichever of its processes it was."""
    async with open_runs(of=escaping, run_memory_bytes=MEMORY) as place:
        end = await place.end_of("hogs", where=str(where), elsewhere=elsewhere)
        assert end["data"]["code"] == "limit_exceeded"
        assert f"{MEMORY} bytes of RUN_MEMORY_BYTES" in end["data"]["message"]
        await nobody(where)


async def test_one_huge_allocation_fails_where_it_is_asked_for(
    open_runs: Open, escaping: Catalogue, tier: str
) -> None:
    """As a MemoryError in the workflow, with its traceback; and it is the limit that says no."""
    async with open_runs(of=escaping, run_memory_bytes=MEMORY) as place:
        end = await place.end_of("gulps")
        assert end["data"]["code"] == "limit_exceeded"
        assert "MemoryError" in end["data"]["message"]
        assert "bytearray(1 << 36)" in end["data"]["detail"]["traceback"]


async def test_a_thread_that_cannot_be_started_is_the_limits_doing(
    open_runs: Open, escaping: Catalogue, tier: str
) -> None:
    """A workflow that raises because of it ends as `limit_exceeded` too."""
    async with open_runs(of=escaping, run_processes=PROCESSES) as place:
        end = await place.end_of("starts_threads", count=2 * PROCESSES, linger=60)
        assert end["data"]["code"] == "limit_exceeded"


async def test_who_keeps_to_the_limits_is_left_alone(
    open_runs: Open, escaping: Catalogue, tier: str
) -> None:
    """The limits are what a workflow may use; what the runtime needs is not counted."""
    limits = {"run_processes": PROCESSES, "run_memory_bytes": MEMORY}
    async with open_runs(of=escaping, **limits) as place:
        end = await place.end_of("starts_threads", count=PROCESSES - 1, linger=0.7)
        assert end["data"] == {"result": PROCESSES - 1}
        end = await place.end_of("takes", amount=MEMORY // 2, linger=0.7)
        assert end["data"] == {"result": MEMORY // 2}


async def test_a_run_of_one_process(open_runs: Open, escaping: Catalogue, tier: str) -> None:
    """The least that can be asked for is enough to run."""
    async with open_runs(of=escaping, run_processes=1) as place:
        assert (await place.end_of("takes", amount=1, linger=0.7))["data"] == {"result": 1}

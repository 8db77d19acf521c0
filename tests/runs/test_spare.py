"""The process that is forked ahead: the next run's, and nobody's burden until then."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import multiprocess.forkserver
import pytest

from server.runs.forkserver import Spare
from tests.runs.conftest import Open, Place, alive, open_descriptors, until_gone


async def spare(place: Place) -> Spare:
    """Wait until there is one."""
    forkserver = place.runs._house.forkserver
    async with asyncio.timeout(60):
        while (found := forkserver._spare) is None:
            await asyncio.sleep(0.005)
    return found


def pid_of(place: Place, run: str) -> int:
    """The process of a run."""
    pid: int = place.kept.records[run].pid
    return pid


def waits_for_a_word(pid: int) -> bool:
    """Whether a process waits for what comes through a pipe."""
    with contextlib.suppress(OSError):
        return "pipe" in Path(f"/proc/{pid}/wchan").read_text()
    return False


def left_of(gone: Spare) -> list[Path]:
    """The control groups that are still there of a spare that was let go."""
    slot = gone.started.slot
    return [] if slot is None else [group for group in slot.groups.values() if group.exists()]


async def test_the_next_run_is_the_process_that_was_forked_ahead(open_runs: Open) -> None:
    """It is told which run it is; then another one is forked."""
    async with open_runs() as place:
        await place.runs.warm_up()
        for _ in range(3):
            ahead = (await spare(place)).started.leader.pid
            run = await place.started("waits")
            assert pid_of(place, run) == ahead
        assert (await spare(place)).started.leader.pid != ahead


async def test_runs_that_start_at_once_do_not_wait_for_one_another(open_runs: Open) -> None:
    """The first gets the spare, the others are forked as they come; all of them complete."""
    async with open_runs(max_runs=8) as place:
        await place.runs.warm_up()
        runs = [await place.start("silent") for _ in range(8)]
        ends = [await place.kept.end(run) for run in runs]
        assert {end["type"] for end in ends} == {"complete"}
        assert len({pid_of(place, run) for run in runs}) == 8


async def test_a_spare_that_was_killed_costs_no_run(open_runs: Open) -> None:
    """The next run gets a process all the same."""
    async with open_runs() as place:
        await place.runs.warm_up()
        found = await spare(place)
        ahead = found.started.leader.pid
        os.kill(ahead, signal.SIGKILL)
        await until_gone(ahead)
        assert (await place.end_of("silent"))["type"] == "complete"
        assert not left_of(found)


async def test_a_spare_whose_fork_server_died_is_let_go(open_runs: Open) -> None:
    """Its exit code would never be known: the next run's process is the new fork server's."""
    async with open_runs() as place:
        await place.runs.warm_up()
        found = await spare(place)
        ahead = found.started.leader.pid
        old = multiprocess.forkserver._forkserver._forkserver_pid
        os.kill(old, signal.SIGKILL)
        await until_gone(old)
        run = await place.start("silent")
        assert (await place.kept.end(run))["type"] == "complete"
        assert pid_of(place, run) != ahead
        await until_gone(ahead)
        await spare(place)  # a later fork takes away what could not be yet
        assert not left_of(found)


async def test_a_process_that_nobody_knows_becomes_no_run(
    open_runs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork server may die between the fork and the word of it: then another one forks."""
    unknown: list[int] = []
    read = multiprocess.forkserver.read_signed

    def dies_first(stream: int) -> int:
        pid: int = read(stream)
        if not unknown:
            unknown.append(pid)
            raise EOFError
        return pid

    monkeypatch.setattr(multiprocess.forkserver, "read_signed", dies_first)
    async with open_runs() as place:
        await place.runs.warm_up()
        ahead = (await spare(place)).started.leader.pid
        async with asyncio.timeout(60):
            while alive(*unknown) and not waits_for_a_word(*unknown):
                await asyncio.sleep(0.001)
        run = await place.start("silent")
        assert (await place.kept.end(run))["type"] == "complete"
        assert pid_of(place, run) == ahead
        await until_gone(*unknown)


async def test_a_spare_goes_with_its_server(open_runs: Open) -> None:
    """A server that stops leaves no spare, no descriptor and no group of it behind."""
    async with open_runs() as place:  # what is made once and kept, such as a tracker
        await place.end_of("silent")
    before = open_descriptors()
    async with open_runs() as place:
        await place.runs.warm_up()
        found = await spare(place)
    assert not alive(found.started.leader.pid)
    assert not left_of(found)
    assert open_descriptors() == before


KILLED = """
import multiprocess, os, signal
from multiprocess import forkserver
from workflows.runtime.standby import stand_by
hears, told = multiprocess.Pipe(duplex=False)
process = multiprocess.get_context("forkserver").Process(target=stand_by, args=(hears, print))
process.start()
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def _killed() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", KILLED],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )


async def test_a_spare_does_not_outlive_a_killed_server() -> None:
    """Nobody will tell it any more: it ends by itself, without a word."""
    done = await asyncio.to_thread(_killed)
    await until_gone(int(done.stdout))
    assert done.stderr == ""


async def test_there_is_never_a_second_spare(open_runs: Open) -> None:
    """Whoever asks for one while there is one, at a start of the server or later, has that one."""
    async with open_runs() as place:
        await place.end_of("silent")
        async with asyncio.timeout(60):
            while place.runs._children:  # its process is buried after its terminal event
                await asyncio.sleep(0.005)
        first = await spare(place)
        before = open_descriptors()
        for _ in range(2):
            await place.runs.warm_up()
            assert await spare(place) is first
        assert open_descriptors() == before


async def test_a_spare_is_nobodys_orphan(open_runs: Open) -> None:
    """A run that is ended takes with it what it has started, and not who stands by."""
    async with open_runs() as place:
        await place.runs.warm_up()
        run = await place.started("waits")
        ahead = (await spare(place)).started.leader.pid
        await place.runs.cancel(run, "enough")
        await place.kept.end(run)
        await until_gone(pid_of(place, run))
        assert alive(ahead)

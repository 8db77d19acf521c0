"""Nothing that a run has started outlives it, with control groups and without."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import multiprocess.forkserver
import pytest
from structlog.testing import capture_logs

from server.runs import Catalogue, Found
from server.runs.containment import keeper, processes, slots
from server.runs.containment.ending import end_runs
from server.runs.containment.kin import Snapshot
from server.runs.containment.processes import Look
from tests.runs.conftest import Open, Place, alive, until_gone
from tests.runs.containing import escaping, nobody, noted, tier, where
from tests.runs.escapes import PROGRAMS

__all__ = ["escaping", "tier", "where"]

ESCAPES = [*PROGRAMS, "FORK_NO_EXEC"]


@pytest.fixture
async def place(open_runs: Open, escaping: Catalogue, tier: str) -> AsyncIterator[Place]:
    """Runs that try to escape."""
    async with open_runs(of=escaping, cancel_grace_seconds=0.3) as place:
        yield place


@pytest.mark.parametrize("then", ["return", "exit", "die", "cancelled"])
@pytest.mark.parametrize("program", ESCAPES)
async def test_nothing_outlives_its_run(place: Place, where: Path, program: str, then: str) -> None:
    """However a process gets away, and however its run ends: a second later it is gone."""
    how = "wait" if then == "cancelled" else then
    run = await place.started("leaves", program=program, where=str(where), then=how)
    if then == "cancelled":
        await place.runs.cancel(run, "enough")
    end = await place.kept.end(run)
    assert end["type"] == ("complete" if then == "return" else "error")
    await until_gone(place.kept.records[run].pid)
    await nobody(where)


async def test_other_runs_are_spared(place: Place, tmp_path: Path) -> None:
    """What ends with one run is that run's alone, though all have the same fork server."""
    homes = [tmp_path / name for name in ("one", "two")]
    runs = []
    for home in homes:
        home.mkdir()
        run = await place.started("leaves", program="FAMILY", where=str(home), then="wait")
        runs.append(run)
    await place.runs.cancel(runs[0], "enough")
    await place.kept.end(runs[0])
    await nobody(homes[0])
    assert all(alive(pid) for pid in noted(homes[1]))
    assert alive(place.kept.records[runs[1]].pid)
    assert (await place.end_of("counts_its_children"))["type"] == "complete"


async def test_a_workflow_waits_for_its_own_children(place: Place) -> None:
    """Orphans that its process takes in disturb nobody who waits for a child."""
    end = await place.end_of("counts_its_children")
    assert end["data"] == {"result": [0, 1, 2, 3, 4]}


async def test_who_does_not_end_is_tried_again(
    open_runs: Open, escaping: Catalogue, where: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One attempt that comes to nothing is not the last, and it is told."""
    monkeypatch.setattr(slots, "mounts", lambda _: {})
    in_vain = iter(range(2))

    def ending(*those: Any) -> bool:
        return next(in_vain, None) is None and end_runs(*those)

    monkeypatch.setattr(keeper, "end_runs", ending)
    with capture_logs() as logged:
        async with open_runs(of=escaping, cancel_grace_seconds=0.3) as place:
            run = await place.started("leaves", program="DAEMON", where=str(where))
            await place.kept.end(run)
            await nobody(where, seconds=5.0)
    told = [each for each in logged if each["event"] == "Processes of runs do not end"]
    assert [each["runs"] for each in told] == [[run]]


@pytest.mark.parametrize("program", ["DAEMON", "FORK_NO_EXEC"])
async def test_the_fork_servers_death_frees_nobody(place: Place, where: Path, program: str) -> None:
    """A run whose fork server has died is contained as before."""
    run = await place.started("leaves", program=program, where=str(where), then="wait")
    os.kill(multiprocess.forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    assert (await place.end_of("counts_its_children"))["type"] == "complete"
    os.kill(place.kept.records[run].pid, signal.SIGKILL)
    assert (await place.kept.end(run))["data"]["code"] == "workflow_crashed"
    await nobody(where)


# What a run's server has left.


async def _left_behind(open_runs: Open, **given: Any) -> tuple[Place, str]:
    async with open_runs(stop="leave", cancel_grace_seconds=0.3, of=given.pop("of")) as place:
        run = await place.started("leaves", **given)
    return place, run


def _found(place: Place, run: str) -> list[Found]:
    return [Found(place.kept.records[run], place.kept.last_number(run))]


@pytest.mark.parametrize("how", ["cancelled", "killed"])
@pytest.mark.parametrize("program", ["DAEMON", "FORK_NO_EXEC", "RUNS_AWAY"])
async def test_an_adopted_run_is_contained(  # noqa: PLR0917
    open_runs: Open, escaping: Catalogue, tier: str, where: Path, program: str, how: str
) -> None:
    """What it started under one server is gone a second after it has ended under the next."""
    given = {"program": program, "where": str(where), "then": "wait"}
    place, run = await _left_behind(open_runs, of=escaping, **given)
    found = _found(place, run)
    async with open_runs(
        kept=place.kept, found=found, of=escaping, cancel_grace_seconds=0.3
    ) as next_one:
        await next_one.reached(run)
        if how == "killed":
            os.kill(place.kept.records[run].pid, signal.SIGKILL)
        else:
            await next_one.runs.cancel(run, "enough")
        assert (await place.kept.end(run))["type"] == "error"
        await nobody(where)


async def test_who_ends_now_waits_for_nobody_who_ended_before(
    open_runs: Open, escaping: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it cannot be told that nothing is left of one run, what the next one left is ended."""
    monkeypatch.setattr(slots, "mounts", lambda _: {})
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 60.0)
    homes = {}
    async with open_runs(stop="leave", of=escaping) as place:
        for name in ("before", "now"):
            (tmp_path / name).mkdir()
            where = str(tmp_path / name)
            run = await place.started("leaves", program="DAEMON", where=where, then="wait")
            homes[run] = tmp_path / name
    look, last = processes.look, tmp_path / "now"

    def among_strangers_who_fork(known: Snapshot) -> Look:
        return look(known)._replace(whole=not any(alive(pid) for pid in noted(last)))

    monkeypatch.setattr(processes, "look", among_strangers_who_fork)
    found = [each for run in homes for each in _found(place, run)]
    async with open_runs(kept=place.kept, found=found, of=escaping) as next_one:
        for run, home in homes.items():
            await next_one.reached(run)
            os.kill(place.kept.records[run].pid, signal.SIGKILL)
            await place.kept.end(run)
            await nobody(home, seconds=20.0)


@pytest.mark.parametrize("program", ["DAEMON", "FORK_NO_EXEC"])
async def test_what_a_lost_run_left_is_ended(
    open_runs: Open, escaping: Catalogue, tier: str, where: Path, program: str
) -> None:
    """A leader that died while no server lived: the next one ends what outlived it."""
    given = {"program": program, "where": str(where), "then": "wait"}
    place, run = await _left_behind(open_runs, of=escaping, **given)
    os.kill(place.kept.records[run].pid, signal.SIGKILL)
    await until_gone(place.kept.records[run].pid)
    assert any(alive(pid) for pid in noted(where))
    async with open_runs(kept=place.kept, found=_found(place, run), of=escaping):
        assert (await place.kept.end(run))["data"]["code"] == "run_lost"
        await nobody(where)


async def test_what_an_earlier_server_left_is_not_what_runs_now(
    open_runs: Open, escaping: Catalogue, tier: str, where: Path, tmp_path: Path
) -> None:
    """While the rest of lost runs is being looked for, a run of this server is not touched."""
    given = {"program": "RUNS_AWAY", "where": str(where), "then": "wait"}
    place, run = await _left_behind(open_runs, of=escaping, **given)
    os.kill(place.kept.records[run].pid, signal.SIGKILL)
    await until_gone(place.kept.records[run].pid)
    now = tmp_path / "now"
    now.mkdir()
    async with open_runs(
        kept=place.kept, found=_found(place, run), of=escaping, cancel_grace_seconds=0.3
    ) as next_one:
        later = await next_one.started("leaves", program="FAMILY", where=str(now), then="wait")
        await nobody(where)
        assert all(alive(pid) for pid in [place.kept.records[later].pid, *noted(now)])
        await next_one.runs.cancel(later, "enough")
        await place.kept.end(later)
        await nobody(now)


@pytest.mark.parametrize("program", ["DAEMON", "FORK_NO_EXEC", "FLEES"])
async def test_a_run_that_nobody_comes_for_ends_with_all_it_started(
    open_runs: Open, escaping: Catalogue, tier: str, where: Path, program: str
) -> None:
    """It waits for a server so long, and then leaves nothing."""
    async with open_runs(stop="leave", of=escaping, reattach_seconds=0.3) as place:
        given = {"program": program, "where": str(where), "then": "wait"}
        run = await place.started("leaves", **given)
    await until_gone(place.kept.records[run].pid)
    await nobody(where)

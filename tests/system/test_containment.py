"""A server whose runs fork away, bomb and hog: nothing outlives them, and nobody else is hurt."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from chaos.proc import alive
from tests.runs.containing import GROUPED, nobody, noted
from tests.runs.escapes import PROGRAMS
from tests.system.api import Api, fresh
from tests.system.patience import eventually
from tests.system.processes import FLOWS, Server

#: Runs a command where no control group is in sight, as in most containers.
HIDING = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"', "-")
GRACE = 0.5
ESCAPES = [*PROGRAMS, "FORK_NO_EXEC"]


class Start(Protocol):
    """Starts a server; the `data_dir` of an earlier one makes it a restart."""

    def __call__(self, data_dir: Path | None = None, **settings: object) -> Server:
        """Return the server, ready."""


def _can_hide() -> bool:
    return subprocess.run([*HIDING, "true"], check=False, capture_output=True).returncode == 0


WAYS: dict[str, tuple[str, ...]] = {"groups" if GROUPED else "descent": ()}
if GROUPED and _can_hide():
    WAYS["descent"] = HIDING


@pytest.fixture(params=WAYS)
def under(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """With control groups, where this machine has any for us, and where none is in sight."""
    return WAYS[request.param]


@pytest.fixture
def start(tmp_path: Path, under: tuple[str, ...]) -> Iterator[Start]:
    """Servers with workflows that try to escape; each leaves nothing behind."""
    servers: list[Server] = []

    def start(data_dir: Path | None = None, **settings: object) -> Server:
        given = {"WORKFLOWS": f"tests.runs.escapes,{FLOWS}", "CANCEL_GRACE_SECONDS": GRACE}
        where = data_dir or tmp_path / f"data{len(servers)}"
        servers.append(Server(where, {**given, **settings}, under))
        return servers[-1]

    yield start
    for each in servers:
        if each.running:
            each.terminate()
        each.wait()
    assert not [leaked for each in servers for leaked in each.close()]


async def _escape(api: Api, home: Path, then: str) -> dict[str, tuple[str, Path]]:
    """Start one run of each kind; return each one's session and where its pids are."""
    runs = {}
    for program in ESCAPES:
        where = home / program
        where.mkdir()
        session = fresh()
        run = await api.start(session, "leaves", program=program, where=str(where), then=then)
        runs[run["id"]] = (session, where)

    async def all_noted() -> bool:
        return all(noted(where) for _, where in runs.values())

    await eventually(all_noted, "processes that got away")
    return runs


async def _cancel(api: Api, run: str) -> None:
    assert (await api.call("POST", f"/api/runs/{run}/cancel")).status == 202


async def test_nothing_survives_a_cancel(start: Start, tmp_path: Path) -> None:
    """Daemons, double forks, the deaf and the stopped: gone a second after the grace."""
    server = start()
    async with Api(server.url) as api:
        runs = await _escape(api, tmp_path, "wait")
        await asyncio.gather(*(_cancel(api, run) for run in runs))
        for session, _ in runs.values():
            assert (await api.ended(session))[-1]["data"]["code"] == "workflow_unresponsive"
        await asyncio.gather(*(nobody(where) for _, where in runs.values()))


async def test_nothing_survives_its_run_under_the_next_server(
    start: Start, under: tuple[str, ...], tmp_path: Path
) -> None:
    """A server that is killed, and one that follows it: what both runs left dies after them."""
    server = start(STOP_RUNS="leave")
    async with Api(server.url) as api:
        runs = await _escape(api, tmp_path, "wait")
        leaders = [
            server.logged("Multi-Agent Workflow Starting", run=run)[0]["pid"] for run in runs
        ]
    server.kill()
    server.wait()
    os.kill(leaders[0], signal.SIGKILL)  # while no server lives; the others are found again
    assert any(alive(pid) for _, where in runs.values() for pid in noted(where))
    server = start(server.data_dir)
    async with Api(server.url) as api:
        # Of these CLEAN_DAEMON is none: where there are no groups it would not be found.
        for leader in leaders[1::2]:
            os.kill(leader, signal.SIGKILL)
        await asyncio.gather(*(_cancel(api, run) for run in list(runs)[2::2]))
        for session, _ in runs.values():
            assert (await api.ended(session))[-1]["type"] in {"error", "cancelled"}
        # Without groups one of them, which flees, keeps looks from being whole: attempts go on.
        seconds = 20.0 if under == WAYS.get("descent") else 1.0
        await asyncio.gather(*(nobody(where, seconds) for _, where in runs.values()))


async def test_a_bomb_and_a_hog_hurt_nobody_else(start: Start, tmp_path: Path) -> None:
    """Both end as `limit_exceeded`; what runs beside them completes."""
    server = start(RUN_PROCESSES=24, RUN_MEMORY_BYTES=96 << 20)
    async with Api(server.url) as api:
        sessions = {}
        for workflow in ("bombs", "hogs"):
            (tmp_path / workflow).mkdir()
            sessions[workflow] = fresh()
            await api.start(sessions[workflow], workflow, where=str(tmp_path / workflow))
        beside = fresh()
        await api.start(beside, "count", n=50, delay=0.02)
        for workflow, session in sessions.items():
            last = (await api.ended(session))[-1]
            assert last["data"]["code"] == "limit_exceeded", last
            await nobody(tmp_path / workflow)
        assert (await api.ended(beside))[-1]["data"] == {"result": 50}


async def test_control_groups_are_taken_away(start: Start, under: tuple[str, ...]) -> None:
    """Two are there for the next runs' processes, and when the server has stopped none is left.

    One of them is forked already, the other is where the fork server waits.
    """
    server = start()
    async with Api(server.url) as api:
        for _ in range(5):
            session = fresh()
            await api.start(session, "silent")
            await api.ended(session)

    async def two() -> bool:
        return len(_groups(server)) == (2 if GROUPED and not under else 0)

    await eventually(two, "groups of ended runs that are removed")
    server.terminate()
    server.wait()
    assert _groups(server) == []


def _groups(server: Server) -> list[Path]:
    # Not by rglob, which fails when a directory goes while it looks into it.
    walk = os.walk("/sys/fs/cgroup")
    mark = f".{server.pid}-"
    return [
        Path(top, each)
        for top, below, _ in walk
        for each in below
        if each.startswith("keepstream.") and mark in each
    ]

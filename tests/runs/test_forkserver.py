"""The fork server: warm, expendable, and never in the loop's way."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import multiprocess.forkserver
import multiprocess.popen_forkserver
import pytest

from server.runs import Catalogue
from server.runs.forkserver import FIRST
from tests.runs.conftest import Open, Place, alive, open_descriptors, until_gone


def _pid() -> int:
    pid: int = multiprocess.forkserver._forkserver._forkserver_pid
    return pid


async def test_workflows_are_imported_before_the_first_run(open_runs: Open) -> None:
    """A child of a warm fork server finds the module there, and nothing of the server's."""
    async with open_runs() as place:
        await place.runs.warm_up()
        told = (await place.end_of("tells_what_it_has"))["data"]["result"]
        assert told["importer"] == _pid()
        assert not [name for name in told["modules"] if name.startswith(("server", "aiohttp"))]


async def test_what_was_imported_is_not_looked_at_for_garbage(open_runs: Open) -> None:
    """A child collects its own, and leaves the pages that it shares with the fork server shared."""
    async with open_runs() as place:
        told = (await place.end_of("tells_what_it_has"))["data"]["result"]
        assert told["collecting"]
        assert told["frozen"] > 5 * told["objects"]


async def test_a_child_holds_nothing_that_is_not_its_own(open_runs: Open, tmp_path: Path) -> None:
    """Its own pipe, its own streams: no listener, no store, no other run's pipe."""
    store = (tmp_path / "events.db").open("w")
    async with open_runs() as place:
        await place.started("waits")
        told = (await place.end_of("tells_what_it_has"))["data"]["result"]
        held = told["descriptors"]
        assert len([name for name in held.values() if name.startswith("socket:")]) == 1
        files = [name for name in held.values() if name.startswith("/") and name != "/dev/null"]
        assert [name for name in files if not name.startswith(("/proc/", "/dev/"))] == [
            name for name in files if name.endswith(".stderr")
        ]
        assert len(held) < 12
    store.close()


async def test_runs_outlive_their_fork_server(place: Place) -> None:
    """A run goes on when it dies, its death is still seen, and the next run has a new one."""
    first = await place.started("waits")
    second = await place.started("waits")
    old = _pid()
    os.kill(old, signal.SIGKILL)
    await until_gone(old)
    third = await place.end_of("chatty")
    assert third["type"] == "complete", third
    assert _pid() != old
    await place.runs.cancel(first, "enough")
    assert (await place.kept.end(first))["type"] == "cancelled"
    os.kill(place.kept.records[second].pid, signal.SIGKILL)
    end = await place.kept.end(second)
    assert end["data"]["code"] == "workflow_crashed"
    assert set(end["data"]["detail"]) == {"stderr"}, "a code that nobody could know"


async def test_a_start_looks_at_no_other_run(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a start costs does not grow with the runs that are there."""
    looked_at: list[int] = []
    poll = multiprocess.popen_forkserver.Popen.poll

    def counted(process: Any, *arguments: Any) -> Any:
        looked_at.append(process.pid)
        return poll(process, *arguments)

    monkeypatch.setattr(multiprocess.popen_forkserver.Popen, "poll", counted)
    for _ in range(3):
        await place.started("waits")
    assert looked_at == []


async def test_a_fork_server_that_never_lives_is_an_error(
    open_runs: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules that are harmless alone and deadly together cost the preload, not the runs."""
    package = tmp_path / "deadly"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text(
        "import os\nfrom workflows import workflow\n"
        "if os.getpgid(0) != os.getpid():  # neither the probe nor a run: the fork server\n"
        "    os._exit(1)\n"
        "@workflow\ndef fine(ctx): return 'fine'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    catalogue = Catalogue(["deadly"])
    await catalogue.load()
    assert catalogue.preload == ["deadly.one"]
    async with open_runs(of=catalogue) as place:
        await place.runs.warm_up()
        assert (await place.end_of("fine"))["data"] == {"result": "fine"}


@pytest.fixture
async def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Catalogue, Path]:
    """A workflow whose preload waits until somebody opens a pipe, and closes it."""
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    (tmp_path / "slow.py").write_text(
        "import os\nfrom workflows import workflow\n"
        "if os.getpgid(0) != os.getpid():  # neither the probe nor a run: the fork server\n"
        f"    open({str(fifo)!r}).read()\n"
        "@workflow\ndef late(ctx): return 'late'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    catalogue = Catalogue(["slow"])
    await catalogue.load()
    return catalogue, fifo


async def _importing(fifo: Path) -> int:
    """The pipe's other end, as soon as the import waits for it. The loop has to turn for this."""
    while True:
        await asyncio.sleep(0.001)
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            continue


async def test_the_loop_goes_on_while_the_fork_server_imports(
    open_runs: Open, slow: tuple[Catalogue, Path]
) -> None:
    """A preload that takes long holds the run up, and not the loop."""
    catalogue, fifo = slow
    async with open_runs(of=catalogue) as place:
        run = await place.start("late")
        held = await _importing(fifo)
        for _ in range(100):
            await asyncio.sleep(0)
        assert place.kept.types(run) == ["run_start"]
        os.close(held)
        assert (await place.kept.end(run))["data"] == {"result": "late"}


async def test_a_stop_does_not_wait_for_imports(
    open_runs: Open, slow: tuple[Catalogue, Path]
) -> None:
    """A run that could not start yet is cancelled, and the importing fork server ended."""
    catalogue, fifo = slow
    async with open_runs(of=catalogue) as place:
        run = await place.start("late")
        held = await _importing(fifo)
        importing = _pid()
        await place.runs.stop("cancel", "the server goes", within=60)
        assert place.kept.of(run)[-1]["data"] == {"reason": "the server goes"}
        assert not alive(importing)
        os.close(held)


async def test_nothing_is_left_behind(open_runs: Open, tmp_path: Path) -> None:
    """Descriptors, processes and files are back where they were after many runs of all kinds."""
    async with open_runs() as place:  # what is made once and kept, such as a tracker
        await place.end_of("silent")
    before = open_descriptors()
    async with open_runs(max_runs=4) as place:
        ways = ["silent", "raises", "segfaults", "leaves_a_grandchild", "chatty"] * 8
        runs = [await place.start(way) for way in ways]
        for run in runs:
            await place.kept.end(run)
        forkserver = _pid()
        await place.runs.stop("cancel", "end", 10)
        left = {path.name for path in (tmp_path / "data" / "runs").iterdir()}
        assert left <= {"control-groups"}
    assert open_descriptors() == before
    assert not (tmp_path / "data" / "runs.sock").exists()
    await until_gone(forkserver)
    assert not [run for run in runs if alive(place.kept.records[run].pid)]


KILLED_IN_MID_START = f"""
import os, socket
from multiprocess import forkserver
forkserver.set_forkserver_preload([{FIRST!r}])
status, data = forkserver.connect_to_new_process([])
os.close(data)  # it has forked, and is not told for whom
while os.read(status, 1): pass
with socket.socket(socket.AF_UNIX) as asking:  # nor that it is to fork
    asking.connect(forkserver._forkserver._forkserver_address)
os.waitpid(forkserver._forkserver._forkserver_pid, 0)
"""


def test_a_server_killed_in_mid_start_leaves_no_trace_in_its_log() -> None:
    """Neither the fork server nor the process that it has forked says anything about it."""
    command = [sys.executable, "-c", KILLED_IN_MID_START]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout + done.stderr == ""


async def test_a_long_path_is_reached(open_runs: Open, tmp_path: Path) -> None:
    """A data directory whose socket's path is longer than a socket's address can be."""
    deep = tmp_path / ("d" * 100) / ("e" * 60)
    async with open_runs(data_dir=deep) as place:
        assert (await place.end_of("silent"))["type"] == "complete"
        assert (deep / "runs.sock").is_socket()
    async with open_runs(data_dir=deep) as place:
        assert (await place.end_of("silent"))["type"] == "complete"


async def test_a_dead_servers_socket_and_pipes_are_replaced(
    open_runs: Open, tmp_path: Path
) -> None:
    """What a killed server left in the directory hinders nobody."""
    data = tmp_path / "data"
    (data / "runs").mkdir(parents=True, mode=0o755)
    (data / "runs.sock").write_text("")
    (data / "runs" / "r_old.stderr").write_text("")
    async with open_runs() as place:
        assert (await place.end_of("silent"))["type"] == "complete"
        assert not (data / "runs" / "r_old.stderr").exists()
        assert (data / "runs").stat().st_mode & 0o777 == 0o700

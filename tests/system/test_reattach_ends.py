"""What a run cannot outlive: its own process, and a server that never comes back."""

import os
import signal
import time

import pytest

from chaos.proc import alive
from tests.system.api import TERMINAL, Api, fresh
from tests.system.gate import Gate
from tests.system.outliving import family, killed, process_of
from tests.system.patience import until
from tests.system.processes import StartServer


async def test_death_while_no_server_lives(start_server: StartServer) -> None:
    """A run whose process went meanwhile is `run_lost` at once, not after the time to reattach."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        run = await api.start(session, "listens")
        await api.reached(session, "alive")
        pid, _ = process_of(server, run["id"])
        await killed(server)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid), "the process ends")
        start_server(server.data_dir, PORT=server.port, REATTACH_SECONDS=3600)
        events = await api.ended(session)
        assert [event["type"] for event in events] == ["run_start", "alive", "error"]
        assert events[-1]["data"]["code"] == "run_lost"
        assert (await api.run(run["id"]))["state"] == "error"
        assert (await api.session(session))["state"] == "closed"


async def test_outcome_while_no_server_lives(start_server: StartServer, gate: Gate) -> None:
    """A run that ended meanwhile is complete as soon as there is a server to tell."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        run = await api.start(session, "gated", gate=gate.path)
        gate.let(1)
        await api.reached(session, "tick")
        pid, _ = process_of(server, run["id"])
        await killed(server)
        gate.let(2)
        gate.close()
        start_server(server.data_dir, PORT=server.port)
        assert (await api.ended(session))[-1]["data"] == {"result": 3}
        until(lambda: not alive(pid), "the process ends")


async def test_process_that_does_not_come(start_server: StartServer) -> None:
    """One that lives and does not come in REATTACH_SECONDS is killed, and its run is `run_lost`."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        _, pid, grandchild = await family(api, server, session)
        os.kill(pid, signal.SIGSTOP)
        await killed(server)
        start_server(server.data_dir, PORT=server.port, REATTACH_SECONDS=0.5)
        events = await api.ended(session)
        assert events[-1]["data"]["code"] == "run_lost"
        assert [event["type"] in TERMINAL for event in events].count(True) == 1
        until(lambda: not alive(pid) and not alive(grandchild), "all of the run is gone")


@pytest.mark.parametrize("workflow", ["listens", "spins", "shields"])
async def test_server_that_does_not_come(start_server: StartServer, workflow: str) -> None:
    """A run whose server never comes back ends itself after REATTACH_SECONDS, whatever it does."""
    server = start_server(REATTACH_SECONDS=0.5)
    session = fresh()
    async with Api(server.url) as api:
        run = await api.start(session, workflow)
        await api.reached(session, "alive")
        pid, _ = process_of(server, run["id"])
        await killed(server)
    until(lambda: not alive(pid), "the run ends itself")


async def test_ends_are_told_quickly(start_server: StartServer) -> None:
    """Runs that are lost are told so within a second of the server's start."""
    server = start_server()
    sessions = [fresh() for _ in range(10)]
    async with Api(server.url) as api:
        pids = []
        for session in sessions:
            run = await api.start(session, "listens")
            pids.append(process_of(server, run["id"])[0])
        await killed(server)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(alive, pids)), "the processes end")
        start_server(server.data_dir, PORT=server.port)
        began = time.monotonic()
        for session in sessions:
            assert (await api.ended(session))[-1]["data"]["code"] == "run_lost"
        assert time.monotonic() - began < 10

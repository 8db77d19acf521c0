"""A run outlives its server: the same process goes on, and nobody misses or sees anything twice."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from chaos.proc import alive, born
from tests.system.api import TERMINAL, Api, fresh
from tests.system.gate import Gate
from tests.system.outliving import family, found_again, killed, process_of, replaced, ticks
from tests.system.patience import until
from tests.system.processes import StartServer, descendants, refused
from tests.system.readers import Reader, follow
from tests.system.transports import TRANSPORTS, Transport


@pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.__name__)
async def test_kill_in_mid_run(start_server: StartServer, gate: Gate, transport: Transport) -> None:
    """Killed again and again, the server finds the same process; its reader gets every event once.

    What the process emits before, while and after no server is there.
    """
    server = start_server()
    reader = Reader(fresh())
    async with Api(server.url) as api:
        run = await api.start(reader.session, "gated", gate=gate.path)
        gate.let(5)
        await api.reached(reader.session, "tick")
        process = process_of(server, run["id"])
        following = asyncio.create_task(follow(reader, api.http, api.url, transport))
        for _ in range(4):
            await killed(server)
            gate.let(5)
            server = start_server(server.data_dir, PORT=server.port)
            gate.let(5)
            assert found_again(server, run["id"]) == process
        gate.close()
        await following
        events = await api.events(reader.session)
        assert ticks(events) == list(range(1, 46))
        assert reader.events == await api.history(reader.session)
        assert reader.resets == []
        assert events[-1]["data"] == {"result": 45}
        assert [event["type"] in TERMINAL for event in events].count(True) == 1
        assert (await api.run(run["id"]))["state"] == "complete"
    until(lambda: not alive(process[0]) or born(process[0]) != process[1], "the process ends")


async def test_kills_under_load(start_server: StartServer) -> None:
    """Runs that emit as fast as they can, readers on every transport, and kills at any moment."""
    server = start_server()
    readers = [Reader(fresh()) for _ in range(6)]
    async with Api(server.url) as api:
        following = [
            asyncio.create_task(
                follow(reader, api.http, server.url, TRANSPORTS[i % len(TRANSPORTS)])
            )
            for i, reader in enumerate(readers)
        ]
        for reader in readers:
            await api.start(reader.session, "count", n=20_000)
        for _ in range(5):
            length = sum(reader.offset for reader in readers)
            while sum(reader.offset for reader in readers) < length + 3000:
                await asyncio.sleep(0.005)
            server = await replaced(start_server, server)
        await asyncio.gather(*following)
        for reader in readers:
            events = await api.events(reader.session)
            assert ticks(events) == list(range(1, 20_001))
            assert events[-1]["data"] == {"result": 20_000}
            assert reader.events == await api.history(reader.session)
            assert reader.resets == []


async def test_servers_that_hardly_live(start_server: StartServer, gate: Gate) -> None:
    """Servers killed as soon as they listen cost a run nothing."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        await api.start(session, "gated", gate=gate.path)
        gate.let(3)
        await api.reached(session, "tick")
        for _ in range(4):
            server = await replaced(start_server, server)
            gate.let(2)
        gate.close()
        assert ticks(await api.ended(session)) == list(range(1, 12))


async def test_more_than_is_kept_while_no_server_is_there(
    start_server: StartServer, tmp_path: Path
) -> None:
    """A run that emits 40 MB without a server waits when 16 MiB are kept, and drops nothing."""
    server = start_server()
    session, told = fresh(), tmp_path / "told"
    os.mkfifo(told)
    async with Api(server.url) as api:
        run = await api.start(session, "floods_when_told", path=str(told), n=400, size=100_000)
        await api.reached(session, "alive")
        pid, _ = process_of(server, run["id"])
        await killed(server)
        with told.open("wb") as speaking:
            speaking.write(b".")
        until(lambda: _sleeps_with(pid, 16 << 20), "the run waits with 16 MiB in its hands")
        start_server(server.data_dir, PORT=server.port)
        events = await api.ended(session)
        assert [e["data"]["i"] for e in events if e["type"] == "talk"] == list(range(400))
        assert events[-1]["type"] == "complete"


def _sleeps_with(pid: int, size: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    resident = int(status.partition("VmRSS:")[2].split()[0]) << 10
    return resident > size and "S (sleeping)" in status


async def test_cancel_after_adoption(start_server: StartServer, gate: Gate) -> None:
    """A run that was found again is told to stop, and stops."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        run = await api.start(session, "listens")
        await api.reached(session, "alive")
        await replaced(start_server, server)
        await api.call("POST", f"/api/runs/{run['id']}/cancel")
        assert (await api.ended(session))[-1]["data"] == {"reason": "requested"}


async def test_answer_after_adoption(start_server: StartServer) -> None:
    """What a run asked its first server can be answered at the next one, once."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        run = await api.start(session, "asks")
        request = (await api.reached(session, "input_request"))["data"]["request"]
        await replaced(start_server, server)
        path = f"/api/runs/{run['id']}/input"
        bad = await api.call("POST", path, {"request": request, "value": "many"})
        good = await api.call("POST", path, {"request": request, "value": 3})
        late = await api.call("POST", path, {"request": request, "value": 4})
        assert (bad.status, good.status, late.status) == (422, 202, 409)
        events = await api.ended(session)
        assert events[-1]["data"] == {"result": 3}
        assert [event["type"] for event in events].count("input_request") == 1
        assert [event["type"] for event in events].count("input_received") == 1


@pytest.mark.parametrize("what", ["answer", "cancel"])
async def test_what_was_accepted_arrives_once(start_server: StartServer, what: str) -> None:
    """A server that is killed right after its 202, with the process stopped, has passed it on."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        run = await api.start(session, "asks")
        await api.reached(session, "input_request")
        pid, _ = process_of(server, run["id"])
        os.kill(pid, signal.SIGSTOP)
        if what == "answer":
            body: object = {"request": "q1", "value": 3}
            said = await api.call("POST", f"/api/runs/{run['id']}/input", body)
        else:
            said = await api.call("POST", f"/api/runs/{run['id']}/cancel")
        assert said.status == 202
        await killed(server)
        os.kill(pid, signal.SIGCONT)
        start_server(server.data_dir, PORT=server.port)
        last = (await api.ended(session))[-1]
        expected = {"answer": {"result": 3}, "cancel": {"reason": "requested"}}
        assert last["data"] == expected[what]


async def test_timeout_after_adoption(start_server: StartServer) -> None:
    """The time limit counts from the start of the run, whatever server sees its end."""
    server = start_server(RUN_TIMEOUT_SECONDS=2)
    session = fresh()
    async with Api(server.url) as api:
        await api.start(session, "listens")
        await api.reached(session, "alive")
        await replaced(start_server, server, RUN_TIMEOUT_SECONDS=3600)
        assert (await api.ended(session))[-1]["data"]["code"] == "workflow_timeout"


async def test_deaf_run_after_adoption(start_server: StartServer) -> None:
    """A run that ignores everything is killed by the next server, with what it has started."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        run, pid, grandchild = await family(api, server, session)
        await replaced(start_server, server, CANCEL_GRACE_SECONDS=0.3)
        await api.call("POST", f"/api/runs/{run}/cancel")
        assert (await api.ended(session))[-1]["data"]["code"] == "workflow_unresponsive"
        until(lambda: not alive(pid) and not alive(grandchild), "all of the run is gone")


async def test_death_after_adoption(start_server: StartServer) -> None:
    """A run that dies under its second server has crashed, and says so at once."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        run = await api.start(session, "listens")
        await api.reached(session, "alive")
        server = await replaced(start_server, server)
        os.kill(found_again(server, run["id"])[0], signal.SIGKILL)
        assert (await api.ended(session))[-1]["data"]["code"] == "workflow_crashed"


async def test_fork_server_dies(start_server: StartServer, gate: Gate) -> None:
    """The fork server is nobody a run depends on, and new runs get another one."""
    server = start_server()
    session, other = fresh(), fresh()
    async with Api(server.url) as api:
        run = await api.start(session, "gated", gate=gate.path)
        gate.let(1)
        await api.reached(session, "tick")
        pid, _ = process_of(server, run["id"])
        for each in descendants(server.pid) - {pid}:
            os.kill(each, signal.SIGKILL)
        await api.start(other, "count", n=3)
        assert (await api.ended(other))[-1]["type"] == "complete"
        await replaced(start_server, server)
        gate.let(1)
        gate.close()
        assert ticks(await api.ended(session)) == [1, 2]


async def test_a_run_that_was_starting(start_server: StartServer) -> None:
    """A server that is killed before a run's start is committed leaves it to the next: run once."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        await api.start(fresh(), "silent")
        server.wait_for_log("Workflow finished")
        stopped = descendants(server.pid)
        for each in stopped:
            os.kill(each, signal.SIGSTOP)
        await api.start(session, "count", n=3)
        await killed(server)
        for each in stopped:
            os.kill(each, signal.SIGCONT)
        start_server(server.data_dir, PORT=server.port)
        events = await api.ended(session)
        assert [event["type"] for event in events] == ["run_start", *["tick"] * 3, "complete"]


async def test_a_server_that_cannot_listen_leaves_runs_alone(
    start_server: StartServer, gate: Gate
) -> None:
    """A deploy that fails because of its settings costs no run anything."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        await api.start(session, "gated", gate=gate.path)
        gate.let(1)
        await api.reached(session, "tick")
        await killed(server)
        other = start_server()
        code, said = await asyncio.to_thread(refused, server.data_dir, PORT=other.port)
        assert code != 0, said
        gate.let(1)
        gate.close()
        start_server(server.data_dir, PORT=server.port)
        assert ticks(await api.ended(session)) == [1, 2]

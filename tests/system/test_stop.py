"""SIGTERM: a bye for everybody, an end within 10 s, exit code 0; and what a start refuses."""

import asyncio
import contextlib
import json
import time
from pathlib import Path

import pytest

from chaos.proc import alive
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.outliving import found_again, process_of
from tests.system.patience import until
from tests.system.processes import Server, StartServer, refused
from tests.system.readers import Reader, frames
from tests.system.transports import STREAMING


@pytest.mark.parametrize("workflow", ["listens", "spins", "shields"])
async def test_sigterm_says_bye_and_ends(start_server: StartServer, workflow: str) -> None:
    """Every subscriber is told to come again, and the server is gone within 10 s with code 0."""
    server = start_server()
    async with Api(server.url) as api:
        reader_of = {transport: [Reader(fresh()) for _ in range(3)] for transport in STREAMING}
        streams = []
        for transport, readers in reader_of.items():
            await api.start(readers[0].session, workflow)
            for reader in readers:
                stream = frames(reader, api.http, api.url, transport)
                await anext(stream)
                streams.append(stream)
        await api.reached(reader_of[STREAMING[0]][0].session, "alive")
        began = time.monotonic()
        server.terminate()
        for stream in streams:
            byes = [frame.body async for frame in stream if frame.kind == "bye"]
            assert [(bye["reason"], bye["reconnect"]) for bye in byes] in (
                [("restart", True)],
                [("closed", False)],
            )
            if byes[0]["reason"] == "restart":
                assert byes[0]["after_ms"] >= 0
        assert await asyncio.to_thread(server.wait) == 0
        assert time.monotonic() - began < 10


async def test_sigterm_answers_long_polls(start_server: StartServer) -> None:
    """A long poll that waits is answered, or cut; it holds nobody up."""
    server = start_server()
    async with Api(server.url) as api:
        session = fresh()
        waiting = asyncio.create_task(api.page(session, wait=30))
        while (await api.call("GET", f"/api/sessions/{session}")).status != 200:
            await asyncio.sleep(0.01)
        server.terminate()
        await asyncio.gather(waiting, return_exceptions=True)
    assert await asyncio.to_thread(server.wait) == 0


async def test_sigterm_with_a_reader_that_does_not_read(start_server: StartServer) -> None:
    """A client that takes nothing, and one that never finished its request, hold nobody up."""
    server = start_server()
    deaf = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
    deaf[0][1].write(b"GET /api/sessions/x/sse HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    deaf[1][1].write(b"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{")
    await deaf[0][0].readline()
    began = time.monotonic()
    server.terminate()
    assert await asyncio.to_thread(server.wait) == 0
    assert time.monotonic() - began < 10
    for _, writer in deaf:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_stop_leaves_runs(start_server: StartServer, gate: Gate) -> None:
    """STOP_RUNS=leave, the default: the run goes on under the next server, in the same process."""
    first = start_server(STOP_RUNS=None)
    session = fresh()
    async with Api(first.url) as api:
        run = await api.start(session, "gated", gate=gate.path)
        gate.let(1)
        await api.reached(session, "tick")
        process = process_of(first, run["id"])
    first.terminate()
    assert await asyncio.to_thread(first.wait) == 0
    gate.let(1)
    second = start_server(first.data_dir)
    assert found_again(second, run["id"]) == process
    gate.close()
    async with Api(second.url) as api:
        assert (await api.ended(session))[-1]["data"] == {"result": 2}


@pytest.mark.parametrize("how", ["cancel", "drain"])
@pytest.mark.parametrize("workflow", ["listens", "spins"])
async def test_stop_ends_runs(start_server: StartServer, how: str, workflow: str) -> None:
    """STOP_RUNS=cancel and drain: in time no process is left, and the log says how each ended."""
    first = start_server(STOP_RUNS=how)
    session = fresh()
    async with Api(first.url) as api:
        run = await api.start(session, workflow)
        await api.reached(session, "alive")
        pid, _ = process_of(first, run["id"])
    began = time.monotonic()
    first.terminate()
    assert await asyncio.to_thread(first.wait) == 0
    assert time.monotonic() - began < 10
    until(lambda: not alive(pid), "the process ends")
    async with Api(start_server(first.data_dir).url) as api:
        last = (await api.events(session))[-1]
        assert last["data"].get("code", last["type"]) in ("cancelled", "workflow_unresponsive")
        assert (await api.run(run["id"]))["state"] == last["type"]


async def test_drain_lets_runs_end(start_server: StartServer, gate: Gate) -> None:
    """STOP_RUNS=drain: what ends by itself in a little while is complete; the queue waits."""
    first = start_server(STOP_RUNS="drain", MAX_RUNS=1)
    session, queued = fresh(), fresh()
    async with Api(first.url) as api:
        await api.start(session, "gated", gate=gate.path)
        gate.let(1)
        await api.reached(session, "tick")
        await api.start(queued, "silent")
    first.terminate()
    first.wait_for_log("Server stopping")
    gate.close()
    assert await asyncio.to_thread(first.wait) == 0
    async with Api(start_server(first.data_dir).url) as api:
        assert (await api.events(session))[-1]["data"] == {"result": 1}
        assert (await api.ended(queued))[-1]["type"] == "complete"


async def test_readers_come_back_spread(start_server: StartServer) -> None:
    """The delays that readers are told on a stop differ: they don't come as one wave."""
    server = start_server()
    async with Api(server.url) as api:
        streams = []
        for _ in range(20):
            streams.append(frames(Reader(fresh()), api.http, api.url, STREAMING[0]))
            await anext(streams[-1])
        server.terminate()
        delays = []
        for stream in streams:
            delays += [frame.body["after_ms"] async for frame in stream if frame.kind == "bye"]
    assert await asyncio.to_thread(server.wait) == 0
    assert len(delays) == 20
    assert len(set(delays)) > 5


def test_second_server_on_the_same_data_in_another_store(start_server: StartServer) -> None:
    """Runs find their server by its DATA_DIR: two may not share it, wherever their logs are."""
    server = start_server()
    code, said = refused(server.data_dir, STORE_URL="memory://")
    assert code != 0
    assert str(server.data_dir) in said
    assert server.running


def test_second_server_on_the_same_data(start_server: StartServer) -> None:
    """Two servers never share a log: the second one says who holds it, and goes."""
    server = start_server()
    code, said = refused(server.data_dir)
    assert code != 0
    assert str(server.data_dir) in said
    assert "Traceback" not in said
    assert server.running


def test_second_server_on_the_same_port(server: Server, tmp_path: Path) -> None:
    """A port that is taken is named, and the server goes."""
    code, said = refused(tmp_path / "data", PORT=server.port)
    assert code != 0
    assert str(server.port) in said
    assert "Traceback" not in said


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.invalid"])
def test_listening_to_the_world_needs_a_word(tmp_path: Path, host: str) -> None:
    """Beyond loopback a server without keys refuses to start, and says what to set."""
    code, said = refused(tmp_path / "data", HOST=host)
    assert code != 0
    assert "ALLOW_ANONYMOUS" in said
    assert "Traceback" not in said


async def test_listening_to_the_world_with_a_word(start_server: StartServer) -> None:
    """With ALLOW_ANONYMOUS=1 it listens, and warns."""
    server = start_server(HOST="0.0.0.0", ALLOW_ANONYMOUS=1)
    warnings = [line for line in server.log_lines() if line.get("level") == "warning"]
    assert any("ALLOW_ANONYMOUS" in json.dumps(line) for line in warnings)
    async with Api(f"http://127.0.0.1:{server.port}") as api:
        assert (await api.call("GET", "/health/live")).status == 200


@pytest.mark.parametrize(
    "setting",
    [
        {"PORT": "eighty"}, {"HEARTBEAT_SECONDS": "-1"}, {"MAX_RUNS": "0"},
        {"LOG_LEVEL": "loud"}, {"STORE_URL": "papyrus://x"},
    ],
    ids=str,
)  # fmt: skip
def test_bad_settings_are_named(tmp_path: Path, setting: dict[str, object]) -> None:
    """A setting that makes no sense stops the start, by its own name."""
    code, said = refused(tmp_path / "data", **setting)
    assert code != 0
    assert next(iter(setting)) in said.upper()
    assert "Traceback" not in said

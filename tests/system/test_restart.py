"""A server that comes back has the same history, to the byte, and goes on with the same cursors."""

import asyncio

import pytest

from tests.system.api import TERMINAL, Api, fresh
from tests.system.gate import Gate
from tests.system.processes import Server, StartServer
from tests.system.readers import Reader, digest, follow, listen
from tests.system.transports import TRANSPORTS, Transport, websocket

each_transport = pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.__name__)


async def stopped(server: Server, how: str) -> None:
    """Stop a server and wait for its end."""
    getattr(server, how)()
    await asyncio.to_thread(server.wait)


@pytest.mark.parametrize("how", ["terminate", "kill"])
async def test_history_is_the_same_bytes(start_server: StartServer, how: str) -> None:
    """What was read before a restart is what is read after it, and cursors go on."""
    first = start_server()
    session = fresh()
    reader = Reader(session)
    async with Api(first.url) as api:
        run = await api.start(session, "chatty", n=200)
        before = (await api.ended(session), await api.history(session))[1]
        run_before = await api.run(run["id"])
        await listen(reader, api.http, api.url, websocket, events=50)
        session_before = await api.session(session)
    await stopped(first, how)
    async with Api(start_server(first.data_dir).url) as api:
        assert await api.history(session) == before
        await follow(reader, api.http, api.url, *TRANSPORTS)
        assert (reader.digest, reader.resets) == (digest(before), [])
        assert await api.run(run["id"]) == run_before
        assert await api.session(session) == session_before
        await api.start(session, "silent")
        assert len(await api.ended(session)) >= len(before)


@each_transport
async def test_kill_in_mid_run(start_server: StartServer, gate: Gate, transport: Transport) -> None:
    """After kill -9 a run without an end is `run_lost`; what a reader had is still in the log."""
    first = start_server()
    reader = Reader(fresh())
    async with Api(first.url) as api:
        run = await api.start(reader.session, "gated", gate=gate.path)
        gate.let(20)
        await listen(reader, api.http, api.url, transport, events=15)
    await stopped(first, "kill")
    async with Api(start_server(first.data_dir).url) as api:
        await follow(reader, api.http, api.url, transport)
        events = await api.events(reader.session)
        assert reader.events == await api.history(reader.session)
        assert reader.resets == []
        assert (events[-1]["type"], events[-1]["data"]["code"]) == ("error", "run_lost")
        assert [event["type"] in TERMINAL for event in events].count(True) == 1
        assert (await api.run(run["id"]))["state"] == "error"
        assert (await api.session(reader.session))["state"] == "closed"


async def test_readers_survive_kills(start_server: StartServer) -> None:
    """Readers that hold on through kills under load end with the history, each on its transport."""
    server = start_server()
    port = server.port
    readers = [Reader(fresh()) for _ in range(6)]
    async with Api(server.url) as api:
        following = [
            asyncio.create_task(
                follow(reader, api.http, server.url, TRANSPORTS[i % 3], until="forever")
                if i % 3 < 2
                else follow(reader, api.http, server.url, TRANSPORTS[2])
            )
            for i, reader in enumerate(readers)
        ]
        for _ in range(4):
            runs = [await api.start(reader.session, "count", n=100_000) for reader in readers]
            lengths = [reader.offset for reader in readers]
            while not all(
                reader.offset > length + 50
                for i, (reader, length) in enumerate(zip(readers, lengths, strict=True))
                if i % 3 < 2
            ):
                await asyncio.sleep(0.005)
            await stopped(server, "kill")
            server = start_server(server.data_dir, PORT=port)
            for reader, run in zip(readers, runs, strict=True):
                assert (await api.run(run["id"]))["error"]["code"] == "run_lost", reader
        histories = [await api.history(reader.session) for reader in readers]
        for reader, history in zip(readers, histories, strict=True):
            while reader.offset < len(history) and reader.bye != "closed":
                await asyncio.sleep(0.005)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        for reader, history in zip(readers, histories, strict=True):
            assert reader.events == history[: reader.offset]
            assert reader.resets == []


async def test_idempotency_key_outlives_the_server(start_server: StartServer) -> None:
    """A start that is repeated after a crash doesn't run twice."""
    first = start_server()
    session, key = fresh(), {"Idempotency-Key": "k"}
    path, body = f"/api/sessions/{session}/runs", {"workflow": "silent"}
    async with Api(first.url) as api:
        run = (await api.call("POST", path, body, headers=key)).json
    await stopped(first, "kill")
    async with Api(start_server(first.data_dir).url) as api:
        again = await api.call("POST", path, body, headers=key)
        assert (again.status, again.json["id"]) == (202, run["id"])
        events = await api.ended(session)
        assert [event["type"] for event in events].count("run_start") == 1


@pytest.mark.parametrize("end", ["kill", "terminate"])
async def test_queued_run_survives_a_restart(
    start_server: StartServer, gate: Gate, end: str
) -> None:
    """A run that waited for its place when the server went runs once, on the next server."""
    first = start_server(MAX_RUNS=1)
    busy, session = fresh(), fresh()
    async with Api(first.url) as api:
        await api.start(busy, "gated", gate=gate.path)
        gate.let(1)
        await api.reached(busy, "tick")
        await api.start(session, "count", n=3)
    await stopped(first, end)
    async with Api(start_server(first.data_dir, MAX_RUNS=1).url) as api:
        last = (await api.ended(busy))[-1]
        assert last["data"].get("code", last["type"]) == {"kill": "run_lost"}.get(end, "cancelled")
        events = await api.ended(session)
        assert events[-1]["type"] == "complete"
        assert [event["type"] for event in events].count("run_start") == 1
        assert [event["type"] in TERMINAL for event in events].count(True) == 1


async def test_new_epoch_after_a_restored_copy(start_server: StartServer) -> None:
    """With NEW_EPOCH=1 every session has a new epoch: old cursors get a reset, never a gap."""
    first = start_server()
    session = fresh()
    async with Api(first.url) as api:
        await api.start(session, "count", n=5)
        history = (await api.ended(session), await api.history(session))[1]
        old = (await api.session(session))["epoch"]
    await stopped(first, "terminate")
    async with Api(start_server(first.data_dir, NEW_EPOCH=1).url) as api:
        reader = Reader(session, epoch=old, offset=4)
        await follow(reader, api.http, api.url, websocket)
        assert (reader.resets, reader.events) == (["epoch"], history)
        assert reader.epoch != old


async def test_session_made_by_hand_is_durable(start_server: StartServer) -> None:
    """A session that was created, and not only attached to, is durable at once."""
    first = start_server()
    session = fresh()
    async with Api(first.url) as api:
        await api.call("POST", "/api/sessions", {"id": session, "labels": {"a": "b"}})
        before = await api.session(session)
    await stopped(first, "kill")
    async with Api(start_server(first.data_dir).url) as api:
        assert await api.session(session) == before

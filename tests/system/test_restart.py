"""A server that comes back has the same history, to the byte, and goes on with the same cursors."""

import asyncio

import pytest

from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.processes import Server, StartServer
from tests.system.readers import Reader, digest, follow, listen
from tests.system.transports import TRANSPORTS, websocket


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
    """A run that waited for its place when the server went waits on, and runs once."""
    first = start_server(MAX_RUNS=1, STOP_RUNS="leave")
    busy, session = fresh(), fresh()
    async with Api(first.url) as api:
        await api.start(busy, "gated", gate=gate.path)
        gate.let(1)
        await api.reached(busy, "tick")
        waiting = await api.start(session, "count", n=3)
    await stopped(first, end)
    async with Api(start_server(first.data_dir, MAX_RUNS=1).url) as api:
        assert (await api.run(waiting["id"]))["state"] == "queued"
        gate.close()
        assert (await api.ended(busy))[-1]["data"] == {"result": 1}
        events = await api.ended(session)
        assert [event["type"] for event in events] == ["run_start", *["tick"] * 3, "complete"]


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

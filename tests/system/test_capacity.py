"""Places for runs: MAX_RUNS at once, MAX_QUEUED_RUNS behind them, 429 past that."""

from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.processes import StartServer
from tests.system.readers import Reader, listen
from tests.system.transports import event_stream, websocket


async def test_full_queue_is_429(start_server: StartServer, gate: Gate) -> None:
    """Past the queue a start is refused with the time to come again, and leaves nothing behind."""
    server = start_server(MAX_RUNS=1, MAX_QUEUED_RUNS=1)
    async with Api(server.url) as api:
        sessions = [fresh() for _ in range(3)]
        key = {"Idempotency-Key": "first"}
        body = {"workflow": "gated", "input": {"gate": gate.path}}
        path = f"/api/sessions/{sessions[0]}/runs"
        first = (await api.call("POST", path, body, headers=key)).json
        second = await api.start(sessions[1], "silent")
        answer = await api.call("POST", f"/api/sessions/{sessions[2]}/runs", {"workflow": "silent"})
        assert (answer.status, answer.code) == (429, "at_capacity")
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await api.call("GET", f"/api/sessions/{sessions[2]}")).status == 404

        again = await api.call("POST", path, body, headers=key)
        assert (again.status, again.json["id"]) == (202, first["id"])

        gate.close()
        await api.ended(sessions[1])
        assert (await api.run(second["id"]))["state"] == "complete"
        assert (await api.start(sessions[2], "silent"))["session"] == sessions[2]
        await api.ended(sessions[2])


async def test_queue_is_kept_in_order(start_server: StartServer, gate: Gate) -> None:
    """Runs that wait for the one place start in the order of their acceptance."""
    server = start_server(MAX_RUNS=1)
    async with Api(server.url) as api:
        busy, waiting = fresh(), [fresh() for _ in range(5)]
        await api.start(busy, "gated", gate=gate.path)
        runs = [await api.start(session, "silent") for session in waiting]
        assert {(await api.run(run["id"]))["state"] for run in runs} == {"queued"}
        gate.close()
        for session in waiting:
            await api.ended(session)
        begun = [(await api.run(run["id"]))["started"] for run in runs]
        assert begun == sorted(begun)


async def test_never_more_than_max_runs(start_server: StartServer) -> None:
    """However many are asked for, at most MAX_RUNS are under way at once."""
    server = start_server(MAX_RUNS=2)
    async with Api(server.url) as api:
        sessions = [fresh() for _ in range(8)]
        runs = [await api.start(each, "count", n=3, delay=0.02) for each in sessions]
        for session in sessions:
            await api.ended(session)
        done = [await api.run(run["id"]) for run in runs]
        marks = sorted([(run["started"], 1) for run in done] + [(run["ended"], -1) for run in done])
        under_way = [sum(step for _, step in marks[: i + 1]) for i in range(len(marks))]
        assert max(under_way) <= 2


async def test_run_time_limit(start_server: StartServer) -> None:
    """`RUN_TIMEOUT_SECONDS` ends a run that its workflow gave no limit of its own."""
    server = start_server(RUN_TIMEOUT_SECONDS=0.3, CANCEL_GRACE_SECONDS=0.3)
    async with Api(server.url) as api:
        for workflow in ("listens", "spins"):
            session = fresh()
            await api.start(session, workflow)
            last = (await api.ended(session))[-1]
            assert (last["type"], last["data"]["code"]) == ("error", "workflow_timeout")


async def test_waiting_sessions_have_a_cap_and_an_end(start_server: StartServer) -> None:
    """Sessions that only wait cost no disk, are capped, and go when their last reader has gone."""
    server = start_server(MAX_WAITING_SESSIONS=2, WAITING_SECONDS=0.2)
    async with Api(server.url) as api:
        names = [fresh() for _ in range(3)]
        sockets = [await api.http.ws_connect(f"{api.url}/api/sessions/{name}/ws") for name in names]
        for socket in sockets[:2]:
            assert (await socket.receive_json())["type"] == "ready"
        refusal = await sockets[2].receive()
        while refusal.type.name == "TEXT":
            assert refusal.json()["type"] == "bye"
            refusal = await sockets[2].receive()
        assert sockets[2].close_code == 1013
        for socket in sockets:
            await socket.close()
        gone = False
        while not gone:
            answer = await api.call("GET", f"/api/sessions/{names[0]}")
            gone = answer.status == 404
        assert (await api.call("GET", "/api/sessions")).json["sessions"] == []


async def test_retention_deletes_and_says_so(start_server: StartServer) -> None:
    """What closed longer ago than RETENTION_SECONDS goes, and its readers are told `deleted`."""
    server = start_server(RETENTION_SECONDS=0.5)
    async with Api(server.url) as api:
        readers = [Reader(fresh()) for _ in range(2)]
        for reader, transport in zip(readers, (websocket, event_stream), strict=True):
            await api.start(reader.session, "silent")
            await listen(reader, api.http, api.url, transport, until="forever")
            assert (reader.bye, reader.offset) == ("deleted", 2)
            assert (await api.call("GET", f"/api/sessions/{reader.session}")).status == 404


async def test_retention_spares_what_runs(start_server: StartServer, gate: Gate) -> None:
    """A session with an active run isn't deleted, however old it is."""
    server = start_server(RETENTION_SECONDS=0.2)
    async with Api(server.url) as api:
        old, gone = fresh(), fresh()
        await api.start(old, "gated", gate=gate.path)
        gate.let(1)
        reader = Reader(gone)
        await api.start(gone, "silent")
        await listen(reader, api.http, api.url, websocket, until="forever")
        assert reader.bye == "deleted"
        gate.let(1)
        gate.close()
        reader = Reader(old)
        await listen(reader, api.http, api.url, websocket, until="forever")
        assert (reader.bye, reader.offset) == ("deleted", 4)

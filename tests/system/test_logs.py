"""The log's events, by their names, in their order, with their fields."""

from typing import Any

from tests.system.api import Api, fresh
from tests.system.processes import Server, StartServer
from tests.system.readers import Reader, follow
from tests.system.transports import websocket

MARKS = set("✅🚀🤖📡📥📤📦") | {"⚠️"}
FIELDS = {
    "Session verified/created": {"created"},
    "Launching workflow task": {"workflow"},
    "Multi-Agent Workflow Starting": {"workflow", "pid"},
    "Attempting to emit event to session": {"type", "n"},
    "Event added to queue": {"type", "offset", "size"},
    "Event emitted": {"offset", "subscribers"},
    "Retrieved event from queue": {"from", "to"},
    "Subscriber connected": {"transport", "cursor"},
    "Subscriber disconnected": {"transport", "cursor", "sent", "seconds", "reason"},
    "Workflow finished": {"state", "events", "seconds"},
}
LEVELS = {
    "Attempting to emit event to session": "debug",
    "Event added to queue": "debug",
    "Event emitted": "debug",
    "Retrieved event from queue": "debug",
}


async def observed(start_server: StartServer) -> tuple[Server, str, dict[str, Any], str]:
    """Watch one run from before its start to its end; return server, session, run and epoch."""
    server = start_server(LOG_LEVEL="debug")
    async with Api(server.url) as api:
        reader = Reader(fresh())
        stream = websocket(api.http, api.url, reader.session)
        await anext(stream)
        run = await api.start(reader.session, "count", n=3)
        async for _ in stream:
            pass
        await follow(reader, api.http, api.url, websocket)
    server.wait_for_log("Subscriber disconnected", session=reader.session, sent=5)
    return server, reader.session, run, str(reader.epoch)


async def test_names_fields_levels_and_marks(start_server: StartServer) -> None:
    """Every line of the table exists for a run, with its session, run, fields, level and mark."""
    server, session, run, _ = await observed(start_server)
    for name, fields in FIELDS.items():
        lines = server.logged(name, session=session)
        assert lines, f"no {name!r}"
        for line in lines:
            assert fields <= set(line), (fields - set(line), line)
            assert line["level"] == LEVELS.get(name, "info"), line
            assert line["mark"] in MARKS, line
    for name in [*list(FIELDS)[1:6], "Workflow finished"]:
        assert {line["run"] for line in server.logged(name, session=session)} == {run["id"]}


async def test_order_of_a_run(start_server: StartServer) -> None:
    """The lines of a run stand in the order in which things happened."""
    server, session, run, _ = await observed(start_server)
    lines = [line for line in server.log_lines() if line.get("session") == session]

    def at(event: str, **fields: object) -> int:
        wanted = {"event": event, **fields}
        return next(i for i, line in enumerate(lines) if wanted.items() <= line.items())

    order = [
        at("Session verified/created"),
        at("Subscriber connected"),
        at("Launching workflow task", run=run["id"]),
        at("Multi-Agent Workflow Starting", run=run["id"]),
        at("Attempting to emit event to session", n=1),
        at("Event added to queue", offset=2),
        at("Event emitted", offset=2),
        at("Event added to queue", offset=5),
        at("Event emitted", offset=5),
        at("Subscriber disconnected"),
    ]
    assert order == sorted(order), [lines[i]["event"] for i in order]
    assert at("Event added to queue", offset=5) < at("Workflow finished")


async def test_totals(start_server: StartServer) -> None:
    """The lines that end something carry its totals."""
    server, session, _, epoch = await observed(start_server)
    finished = server.logged("Workflow finished", session=session)
    assert [(line["state"], line["events"]) for line in finished] == [("complete", 5)]
    gone = server.logged("Subscriber disconnected", session=session)
    assert {(line["sent"], line["cursor"]) for line in gone} == {(5, f"{epoch}-5")}
    sizes = [line["size"] for line in server.logged("Event added to queue", session=session)]
    assert sizes == [1, 2, 3, 4, 5]
    watching = server.logged("Event emitted", session=session, offset=2)
    assert [line["subscribers"] for line in watching] == [1]


async def test_failed_run_is_a_warning(start_server: StartServer) -> None:
    """A run that ends in error is logged as a warning; every warning carries ⚠️."""
    server = start_server()
    async with Api(server.url) as api:
        session = fresh()
        await api.start(session, "raises")
        await api.ended(session)
    line = server.wait_for_log("Workflow finished", session=session)
    assert (line["level"], line["mark"], line["state"]) == ("warning", "⚠️", "error")


async def test_stranger_is_a_warning(start_server: StartServer) -> None:
    """What addresses a session that nobody knows is logged."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        await api.call("GET", f"/api/sessions/{session}")
    line = server.wait_for_log("Session not in active sessions", session=session)
    assert (line["level"], line["mark"]) == ("warning", "⚠️")


async def test_active_sessions(start_server: StartServer) -> None:
    """A change of their count is logged, with runs and subscribers."""
    server = start_server()
    async with Api(server.url) as api:
        await api.start(fresh(), "count", n=2, delay=2)
        line = server.wait_for_log("Active sessions", count=1)
    assert {"count", "running", "subscribers"} <= set(line)


async def test_info_has_no_line_for_an_event(start_server: StartServer) -> None:
    """At the default level a run of many events costs a handful of lines."""
    server = start_server()
    async with Api(server.url) as api:
        reader = Reader(fresh())
        await api.start(reader.session, "count", n=500)
        await follow(reader, api.http, api.url, websocket)
    server.wait_for_log("Subscriber disconnected", session=reader.session)
    lines = [line for line in server.log_lines() if line.get("session") == reader.session]
    assert len(lines) < 10

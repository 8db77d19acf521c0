"""The description of the HTTP API against the code that serves it, and against a running server."""

import copy
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.checks import positive_data_acceptance

from server import errors
from server.web.openapi import document
from server.web.routes import TABLE
from server.web.sessions import MAX_WAIT
from tests.system.api import Api, fresh
from tests.system.processes import Server

Call = tuple[str, str]

#: What is served beside the table of the API.
PAGES = {("GET", "/"), ("GET", "/openapi.json")}
#: Errors that no request is ever answered with.
NEVER_SAID = {errors.StoreRefused, errors.SettingsError, errors.ProtocolError}

SESSION, RUN = "/api/sessions/{session}", "/api/runs/{run}"
#: The statuses that the contract names for each call; 400 for ids, 403 by the guard go without.
CONTRACT: dict[Call, set[int]] = {
    ("POST", "/api/sessions"): {200, 201},
    ("GET", "/api/sessions"): {200},
    ("GET", SESSION): {200, 404},
    ("DELETE", SESSION): {204, 404, 409},
    ("GET", f"{SESSION}/runs"): {200, 404},
    ("POST", f"{SESSION}/runs"): {202, 404, 409, 422, 429, 503},
    ("GET", f"{SESSION}/events"): {200, 400, 404},
    ("GET", f"{SESSION}/sse"): {200, 204, 400},
    ("GET", f"{SESSION}/ws"): {101},
    ("GET", "/api/ws"): {101},
    ("GET", f"{SESSION}/diagnosis"): {200},
    ("POST", "/api/runs"): {202, 404, 422, 429, 503},
    ("GET", RUN): {200, 404},
    ("POST", f"{RUN}/cancel"): {202, 404},
    ("POST", f"{RUN}/input"): {202, 404, 409, 422},
    ("GET", "/api/workflows"): {200},
    ("GET", "/health/live"): {200},
    ("GET", "/health/ready"): {200, 503},
    ("GET", "/metrics"): {200},
    ("GET", "/"): {200},
    ("GET", "/openapi.json"): {200},
}


def _described() -> dict[Call, dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    }


def _codes(schema: Any) -> Iterator[str]:
    """Every error code that a schema lists, wherever it does."""
    if isinstance(schema, list):
        for part in schema:
            yield from _codes(part)
    elif isinstance(schema, dict):
        for name, part in schema.items():
            yield from part["enum"] if name == "code" and "enum" in part else _codes(part)


# -- against the code


def test_names_the_routes_that_are_served() -> None:
    """The document and the URL table name the same methods at the same addresses."""
    assert set(_described()) == {(method, path) for method, path, _ in TABLE} | PAGES


@pytest.mark.parametrize("call", CONTRACT)
def test_names_the_statuses_of_the_contract(call: Call) -> None:
    """Every status that the contract names for a call is described there, and the guard's 403."""
    named = {int(status) for status in _described()[call]["responses"]}
    checked = {400} if "{" in call[1] else set()
    assert named >= CONTRACT[call] | checked | {403}


def test_names_every_error_that_is_answered() -> None:
    """The code of each error that a caller can be answered with stands in a response."""
    answered = {
        error.code
        for _, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, errors.KeepstreamError) and error not in NEVER_SAID
    }
    assert answered <= set(_codes(document()["components"]["responses"]))


# -- against a running server


def _narrowed() -> dict[str, Any]:
    """The document for a server on which ``echo`` is the one workflow: requests start real runs."""
    narrowed = copy.deepcopy(document())
    asked = narrowed["components"]["schemas"]["StartRun"]["properties"]
    asked["workflow"] = {"const": "echo"}
    asked["input"] = {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "additionalProperties": False,
    }
    return narrowed


#: The same requests each time, whatever was answered before.
ALONE = {"extra-data-sources": {"responses": False}}
CONFIG = {
    "seed": 1,
    "max-stream-events": 1,  # most streams have no end
    "generation": {"max-examples": 15, "deterministic": True, "database": "none"},
    "phases": {
        "examples": ALONE,
        "coverage": ALONE,
        "fuzzing": {**ALONE, "error-feedback": {"enabled": False}},
    },
}

config = schemathesis.Config.from_dict(CONFIG)
schema = schemathesis.openapi.from_dict(_narrowed(), config=config)


def test_is_valid() -> None:
    """The document is an OpenAPI 3.1 document by the specification's own schema."""
    schema.validate()


def test_is_served(server: Server) -> None:
    """The server hands out the document that the tests hold it against."""
    answer = requests.get(f"{server.url}/openapi.json", timeout=60)
    assert answer.json() == document()


@schema.parametrize()
def test_answers_as_described(case: schemathesis.Case[Any], server: Server) -> None:
    """Whatever is sent, fitting or not, the answer is one that the document has for it."""
    _do_not_wait(case)
    _check(case, case.call(base_url=server.url))


@schema.include(path_regex="{").parametrize()
def test_answers_about_what_exists_as_described(
    case: schemathesis.Case[Any], server: Server, existing: dict[str, str]
) -> None:
    """The same holds where the addressed session and run exist."""
    _do_not_wait(case)
    ids = {**existing, "session": _create(server)} if case.method == "DELETE" else existing
    for name in case.path_parameters:
        case.path_parameters[name] = ids[name]
    _check(case, case.call(base_url=server.url))


@pytest.fixture(scope="module")
def existing(server: Server) -> dict[str, str]:
    """The ids of a session and of its run, which has ended."""
    run = requests.post(f"{server.url}/api/runs", json={"workflow": "echo"}, timeout=60).json()
    events = f"{server.url}/api/sessions/{run['session']}/sse"
    assert "event: bye" in requests.get(events, timeout=60).text
    return {"session": run["session"], "run": run["id"]}


def _create(server: Server) -> str:
    return str(requests.post(f"{server.url}/api/sessions", timeout=60).json()["id"])


def _do_not_wait(case: schemathesis.Case[Any]) -> None:
    try:
        if 0 < float(str(case.query.get("wait"))) <= MAX_WAIT:
            case.query["wait"] = 0
    except ValueError:
        pass


def _check(case: schemathesis.Case[Any], response: schemathesis.Response) -> None:
    # A schema has no words for these two: fitting, and refused nevertheless.
    needs_upgrade = case.path.endswith("/ws")
    same_key_again = b"idempotency_mismatch" in response.content
    excluded: list[schemathesis.CheckFunction] = []
    if needs_upgrade or same_key_again:
        excluded.append(positive_data_acceptance)
    case.validate_response(response, excluded_checks=excluded)


CONTROL = {"ready", "reset", "heartbeat", "bye"}


async def test_frames_are_as_described(api: Api) -> None:
    """What a WebSocket sends, control frames and events, fits the schema of a server's frame."""
    frames = Draft202012Validator({**document(), "$ref": "#/components/schemas/ServerFrame"})
    session, heard, started = fresh("frames"), set(), False
    address = f"{api.url}/api/sessions/{session}/ws"
    async with api.http.ws_connect(address) as socket:
        await socket.send_str('{"type":"ping","id":1}')
        await socket.send_str("?")
        async for message in socket:
            frames.validate(message.json())
            heard.add(message.json()["type"])
            if message.json()["type"] == "heartbeat" and not started:
                started = bool(await api.start(session, "echo", text="hello"))
    async with api.http.ws_connect(f"{address}?after=none-7") as socket:
        async for message in socket:
            frames.validate(message.json())
            heard.add(message.json()["type"])
    assert CONTROL | {"pong", "refused", "run_start", "agent_message", "complete"} <= heard


@pytest.mark.parametrize("query", ["", "?frames=arrays"])
async def test_frames_of_many_sessions_are_as_described(api: Api, query: str) -> None:
    """What is said on a connection of many sessions fits the schemas, on both sides."""
    heard = Draft202012Validator({**document(), "$ref": "#/components/schemas/ManyServerFrame"})
    said = Draft202012Validator({**document(), "$ref": "#/components/schemas/ManyClientFrame"})
    session, kinds = fresh("frames"), set[str]()
    await api.start(session, "echo", text="hello")
    asked: list[dict[str, Any]] = [
        {"type": "subscribe", "id": 1, "session": session, "after": None, "types": []},
        {"type": "subscribe", "id": 2, "session": session, "after": "now", "until": "forever"},
        {"type": "unsubscribe", "id": 3, "session": fresh()},
        {"type": "ping", "id": "p"},
    ]
    async with api.http.ws_connect(f"{api.url}/api/ws{query}") as socket:
        for message in asked:
            said.validate(message)
            await socket.send_json(message)
        while not {"ready", "heartbeat", "bye", "ok", "pong", "refused"} <= kinds:
            frame = await socket.receive_json(timeout=60)
            heard.validate(frame)
            kinds.add("events" if isinstance(frame["frame"], list) else frame["frame"]["type"])
    assert ("events" if query else "agent_message") in kinds

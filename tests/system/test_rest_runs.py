"""HTTP: runs."""

import asyncio
import json
import re
from typing import Any

import pytest

from tests.system.api import Api, fresh
from tests.system.gate import Gate

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


async def started(
    api: Api, session: str, body: object, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Ask for a run and return the status and the answer's object."""
    answer = await api.call("POST", f"/api/sessions/{session}/runs", body, headers=headers)
    return answer.status, answer.json


async def test_run_object(api: Api) -> None:
    """The run object tells whose run it is, what it runs, and how it ended."""
    session = fresh()
    path = f"/api/sessions/{session}/runs"
    body = {"workflow": "returns", "input": {"value": [1, "é", None]}, "labels": {"by": "me"}}
    answer = await api.call("POST", path, body)
    run = answer.json
    assert answer.status == 202
    assert (run["session"], run["workflow"], run["labels"]) == (session, "returns", {"by": "me"})
    assert run["state"] in ("queued", "starting", "running", "complete")
    await api.ended(session)
    done = await api.run(run["id"])
    assert (done["state"], done["result"]) == ("complete", [1, "é", None])
    assert "error" not in done or done["error"] is None
    assert done["created"] <= done["started"] <= done["ended"]


async def test_run_start_is_committed_before_the_answer(api: Api) -> None:
    """Whoever has the answer finds `run_start`, with workflow and input, in the log."""
    session = fresh()
    run = await api.start(session, "count", n=3)
    first = (await api.events(session))[0]
    assert (first["type"], first["run"], first["offset"]) == ("run_start", run["id"], 1)
    assert first["data"]["workflow"] == "count"
    assert first["data"]["input"]["n"] == 3


async def test_shape_of_events(api: Api) -> None:
    """Every event has offset, time, type, run and data; offsets have no hole."""
    session = fresh()
    run = await api.start(session, "agents")
    events = await api.ended(session)
    assert [event["offset"] for event in events] == [*range(1, len(events) + 1)]
    for event in events:
        assert TIME.fullmatch(event["time"]), event
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", event["type"])
        assert event["run"] == run["id"]
        assert isinstance(event["data"], dict)
    speaking = [event for event in events if event["type"].startswith(("agent_", "tool_"))]
    assert {event["agent"] for event in speaking} == {"Supervisor", "Worker"}
    spans = {event["agent"]: event["span"] for event in speaking}
    assert len(set(spans.values())) == 2
    by_type = {(event["type"], event.get("agent")): event["data"] for event in events}
    assert by_type["agent_start", "Supervisor"]["task"] == "plan"
    assert by_type["agent_start", "Worker"]["parent"] == spans["Supervisor"]
    assert by_type["agent_complete", "Supervisor"]["output"] == {"plan": ["a", "b"]}
    assert by_type["agent_complete", "Worker"]["seconds"] >= 0
    call = by_type["tool_call", "Supervisor"]
    assert (call["tool"], call["arguments"]) == ("search", {"q": "x"})
    result = by_type["tool_result", "Supervisor"]
    assert (result["call"], result["output"]) == (call["call"], ["found"])
    assert by_type["progress", None] == {"done": 1, "total": 3, "label": "planned"}
    assert by_type["complete", None] == {"result": {"summary": "two agents"}}


async def test_run_in_a_new_session(api: Api) -> None:
    """`POST /api/runs` makes the session too."""
    answer = await api.call("POST", "/api/runs", {"workflow": "silent"})
    assert answer.status == 202
    session = answer.json["session"]
    assert len(await api.ended(session)) == 2


async def test_one_run_at_a_time(api: Api, gate: Gate) -> None:
    """A second run in a session that is running is refused, and the first goes on."""
    session = fresh()
    await api.start(session, "gated", gate=gate.path)
    status, body = await started(api, session, {"workflow": "silent"})
    assert (status, body["error"]["code"]) == (409, "run_active")
    gate.close()
    assert [each["type"] for each in await api.ended(session)] == ["run_start", "complete"]


async def test_racing_starts_give_one_run(api: Api) -> None:
    """Of many starts at once in one session exactly one is accepted while it runs."""
    session = fresh()
    body = {"workflow": "count", "input": {"n": 3, "delay": 0.2}}
    answers = await asyncio.gather(*(started(api, session, body) for _ in range(10)))
    assert sorted(status for status, _ in answers) == [202] + [409] * 9


@pytest.mark.parametrize("name", ["nobody", "", "os.system", "../count", "count ", "Count"])
async def test_unknown_workflow(api: Api, name: str) -> None:
    """A name that isn't in the catalogue starts nothing, and makes no session."""
    session = fresh()
    status, body = await started(api, session, {"workflow": name})
    assert (status, body["error"]["code"]) == (404, "unknown_workflow")
    assert (await api.call("GET", f"/api/sessions/{session}")).status == 404


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"n": "three"}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": None}, "n"),
        ({"m": 3}, "m"),
        ({"n": 3, "ctx": 1}, "ctx"),
    ],
    ids=["string", "fraction", "null", "unknown", "ctx"],
)
async def test_invalid_input(api: Api, given: object, where: str) -> None:
    """An input against the schema is refused with the path of what is wrong, unknown ones too."""
    session = fresh()
    status, body = await started(api, session, {"workflow": "count", "input": given})
    error = body["error"]
    assert (status, error["code"]) == (422, "invalid_input")
    assert where in json.dumps(error["path"])


async def test_missing_input(api: Api) -> None:
    """A parameter without a default must be given."""
    status, body = await started(api, fresh(), {"workflow": "gated"})
    assert (status, body["error"]["code"]) == (422, "invalid_input")
    assert "path" in body["error"]


BAD_BODIES = [
    b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"workflow":3}', b"\xff",
    b'{"workflow":"silent","labels":3}', b'{"workflow":"silent","input":[]}',
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_BODIES, ids=repr)
async def test_bad_bodies_are_400(api: Api, body: bytes) -> None:
    """A body that isn't the one asked for is the caller's fault."""
    answer = await api.call("POST", f"/api/sessions/{fresh()}/runs", raw=body)
    assert answer.status in (400, 422), answer.body
    assert answer.code


async def test_body_over_a_megabyte(api: Api) -> None:
    """A body over 1 MiB is 413."""
    body = {"workflow": "returns", "input": {"value": "x" * (1 << 20)}}
    answer = await api.call("POST", f"/api/sessions/{fresh()}/runs", body)
    assert (answer.status, bool(answer.code)) == (413, True)


async def test_unknown_run_is_404(api: Api) -> None:
    """A run that never was is 404 for every call."""
    for method, path, body in (
        ("GET", "/api/runs/r_none", None),
        ("POST", "/api/runs/r_none/cancel", None),
        ("POST", "/api/runs/r_none/input", {"request": "q", "value": 1}),
    ):
        answer = await api.call(method, path, body)
        assert (answer.status, bool(answer.code)) == (404, True)


async def test_same_key_same_run(api: Api) -> None:
    """A repeated `Idempotency-Key` gets the same run again, while it runs and after it ended."""
    session, key = fresh(), {"Idempotency-Key": fresh("key")}
    body = {"workflow": "count", "input": {"n": 2, "delay": 0.2}}
    path = f"/api/sessions/{session}/runs"
    first = await api.call("POST", path, body, headers=key)
    during = await api.call("POST", path, body, headers=key)
    events = await api.ended(session)
    after = await api.call("POST", path, body, headers=key)
    assert [each.status for each in (first, during, after)] == [202] * 3
    assert len({each.json["id"] for each in (first, during, after)}) == 1
    assert len(events) == len(await api.events(session)) == 4


async def test_racing_keys_give_one_run(api: Api) -> None:
    """The same key ten times at once is one run."""
    session, key = fresh(), {"Idempotency-Key": fresh("key")}
    path, body = f"/api/sessions/{session}/runs", {"workflow": "silent"}
    answers = await asyncio.gather(*(api.call("POST", path, body, headers=key) for _ in range(10)))
    assert {each.status for each in answers} == {202}
    assert len({each.json["id"] for each in answers}) == 1


async def test_same_key_other_body(api: Api) -> None:
    """A key that comes back with another body is a mistake, and is said so."""
    session, key = fresh(), {"Idempotency-Key": fresh("key")}
    path = f"/api/sessions/{session}/runs"
    await api.call("POST", path, {"workflow": "silent"}, headers=key)
    answer = await api.call("POST", path, {"workflow": "count"}, headers=key)
    assert (answer.status, answer.code) == (422, "idempotency_mismatch")


async def test_key_in_a_new_session(api: Api) -> None:
    """A key makes `POST /api/runs` repeatable too: the same run in the same session."""
    key = {"Idempotency-Key": fresh("key")}
    answers = [
        await api.call("POST", "/api/runs", {"workflow": "silent"}, headers=key) for _ in range(2)
    ]
    assert answers[0].json["id"] == answers[1].json["id"]
    assert answers[0].json["session"] == answers[1].json["session"]

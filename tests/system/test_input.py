"""Inputs that a workflow asks for."""

import pytest

from tests.system.api import Api, fresh


async def asked(api: Api, workflow: str = "asks") -> tuple[str, str, str]:
    """Start a workflow that asks; return session, run and the id of its request."""
    session = fresh()
    run = await api.start(session, workflow)
    request = await api.reached(session, "input_request")
    assert request["data"]["prompt"]
    return session, run["id"], request["data"]["request"]


@pytest.mark.parametrize("workflow", ["asks", "asks_blocking"])
async def test_answer_reaches_the_workflow(api: Api, workflow: str) -> None:
    """What is given goes on in the workflow, and is an event before it does."""
    session, run, request = await asked(api, workflow)
    answer = await api.call("POST", f"/api/runs/{run}/input", {"request": request, "value": 42})
    assert answer.status == 202
    events = await api.ended(session)
    kinds = [event["type"] for event in events]
    assert kinds == ["run_start", "input_request", "input_received", "complete"]
    assert events[2]["data"] == {"request": request, "value": 42}
    assert events[3]["data"]["result"] == 42


async def test_answer_against_the_schema(api: Api) -> None:
    """An answer that the workflow's schema refuses is refused, and the request stays open."""
    session, run, request = await asked(api)
    path = f"/api/runs/{run}/input"
    refused = await api.call("POST", path, {"request": request, "value": "many"})
    assert (refused.status, bool(refused.code)) == (422, True)
    accepted = await api.call("POST", path, {"request": request, "value": 1})
    assert accepted.status == 202
    assert (await api.ended(session))[-1]["type"] == "complete"


async def test_request_that_is_not_pending(api: Api) -> None:
    """Only a pending request takes an answer, and only one."""
    session, run, request = await asked(api)
    path = f"/api/runs/{run}/input"
    never = await api.call("POST", path, {"request": "never", "value": 1})
    first = await api.call("POST", path, {"request": request, "value": 1})
    second = await api.call("POST", path, {"request": request, "value": 2})
    await api.ended(session)
    late = await api.call("POST", path, {"request": request, "value": 3})
    assert [each.status for each in (never, first, second, late)] == [409, 202, 409, 409]


async def test_asking_run_can_be_cancelled(api: Api) -> None:
    """A workflow that waits for an answer can be told to stop instead."""
    for workflow in ("asks", "asks_blocking"):
        session, run, _ = await asked(api, workflow)
        await api.call("POST", f"/api/runs/{run}/cancel")
        assert (await api.ended(session))[-1]["type"] == "cancelled", workflow

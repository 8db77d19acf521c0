"""Cancelling: asked first, then forced, for the whole process group, and told truly."""

from typing import Any

import pytest

from chaos.proc import alive
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.patience import until
from tests.system.processes import Server, StartServer, descendants


async def cancelled(api: Api, workflow: str, **given: object) -> list[dict[str, Any]]:
    """Start a workflow, cancel it when it lives, and return the events of its session."""
    session = fresh()
    run = await api.start(session, workflow, **given)
    await api.reached(session, "alive", "grandchild")
    answer = await api.call("POST", f"/api/runs/{run['id']}/cancel")
    assert answer.status == 202
    return await api.ended(session)


async def test_listener_is_cancelled(api: Api) -> None:
    """A workflow that waits gets `CancelledError`, and the run ends as `cancelled`."""
    last = (await cancelled(api, "listens"))[-1]
    assert last["type"] == "cancelled"
    assert "reason" in last["data"]


async def test_looker_may_clean_up(api: Api) -> None:
    """A workflow that looks at `ctx.cancelled` may still emit and return before it ends."""
    events = await cancelled(api, "looks")
    assert events[-2]["type"] == "cleaned_up"
    assert events[-1]["type"] in ("cancelled", "complete")


@pytest.mark.parametrize("workflow", ["spins", "swallows", "shields", "stops_itself"])
async def test_deaf_workflow_is_killed(api: Api, workflow: str) -> None:
    """A workflow that ignores a cancel is killed after the grace, and that is said."""
    events = await cancelled(api, workflow)
    assert events[-1]["type"] == "error"
    assert events[-1]["data"]["code"] == "workflow_unresponsive"


async def test_cancel_after_the_end_is_nothing(api: Api) -> None:
    """A cancel that comes too late is accepted and changes nothing."""
    session = fresh()
    run = await api.start(session, "silent")
    before = await api.ended(session)
    answer = await api.call("POST", f"/api/runs/{run['id']}/cancel")
    assert answer.status == 202
    assert await api.events(session) == before


async def test_cancel_twice_is_cancel_once(api: Api) -> None:
    """Two cancels of one run end it once."""
    session = fresh()
    run = await api.start(session, "looks")
    for _ in range(2):
        answer = await api.call("POST", f"/api/runs/{run['id']}/cancel")
        assert answer.status == 202
    kinds = [event["type"] for event in await api.ended(session)]
    assert kinds[-1] in ("cancelled", "complete")
    assert "cancelled" not in kinds[:-1]


async def test_cancel_at_once(api: Api) -> None:
    """A cancel that comes before the process is up still wins."""
    session = fresh()
    run = await api.start(session, "listens")
    await api.call("POST", f"/api/runs/{run['id']}/cancel")
    assert (await api.ended(session))[-1]["type"] == "cancelled"


async def test_queued_run_is_cancelled_at_once(start_server: StartServer, gate: Gate) -> None:
    """A run that waits for a place never runs when it is cancelled."""
    server = start_server(MAX_RUNS=1)
    async with Api(server.url) as api:
        busy, waiting = fresh(), fresh()
        await api.start(busy, "gated", gate=gate.path)
        run = await api.start(waiting, "count", n=3)
        assert (await api.run(run["id"]))["state"] == "queued"
        await api.call("POST", f"/api/runs/{run['id']}/cancel")
        events = await api.ended(waiting)
        assert [event["type"] for event in events] == ["run_start", "cancelled"]
        assert (await api.run(run["id"]))["state"] == "cancelled"
        gate.close()
        await api.ended(busy)
        assert await api.events(waiting) == events


@pytest.mark.parametrize("ending", ["return", "raise", "exit", "kill", "cancel"])
async def test_grandchildren_do_not_survive(api: Api, ending: str) -> None:
    """However a run ends, no process of its group outlives it."""
    if ending == "cancel":
        events = await cancelled(api, "forks_a_grandchild", ending="wait")
    else:
        session = fresh()
        await api.start(session, "forks_a_grandchild", ending=ending)
        events = await api.ended(session)
    grandchild = next(event for event in events if event["type"] == "grandchild")
    pid = grandchild["data"]["pid"]
    until(lambda: not alive(pid), f"the end of grandchild {pid}")


async def test_ended_run_has_no_process(server: Server, api: Api) -> None:
    """When a run has ended its process goes, though a thread of it never ends."""
    session = fresh()
    await api.start(session, "leaves_a_thread_running")
    *_, complete = await api.ended(session)
    process = complete["data"]["result"]
    assert isinstance(process, int)
    until(lambda: process not in descendants(server.pid), "the end of the run's process")

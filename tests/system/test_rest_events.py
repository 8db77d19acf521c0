"""HTTP: pages of events, long polls, and the rest of the table."""

import asyncio
import json

import pytest

from tests.system.api import Api, fresh
from tests.system.gate import Gate


async def test_pages_are_the_history(api: Api) -> None:
    """Pages of any size put together are the history, to the byte."""
    session = fresh()
    await api.start(session, "count", n=20)
    await api.ended(session)
    history = await api.history(session)
    for limit in (1, 2, 7, 21, 22, 23, 1000):
        after, found = "", list[bytes]()
        while len(found) < 22:
            page = await api.page(session, after=after, limit=limit)
            assert 0 < len(page.events) <= limit
            found += page.events
            after = page.next
            assert after == f"{page.epoch}-{len(found)}"
        assert found == history


async def test_page_says_where_it_stands(api: Api) -> None:
    """A page tells the log's ends, its epoch and the session's state; a default page is 1000."""
    session = fresh()
    await api.start(session, "count", n=1500)
    await api.ended(session)
    page = await api.page(session)
    assert (page.first, page.last, page.state) == (1, 1502, "closed")
    assert len(page.events) == 1000
    assert page.reset is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=-1", "wait=x", "wait=-1", "wait=nan"]
)
async def test_bad_queries_are_400(api: Api, query: str) -> None:
    """A number out of its range, or no number, is the caller's fault."""
    session = fresh()
    await api.call("POST", "/api/sessions", {"id": session})
    answer = await api.call("GET", f"/api/sessions/{session}/events?{query}")
    assert (answer.status, bool(answer.code)) == (400, True)


async def test_long_poll_wakes_with_the_event(api: Api, gate: Gate) -> None:
    """A long poll answers with the event that it waited for."""
    session = fresh()
    await api.start(session, "gated", gate=gate.path)
    page = await api.page(session)
    waiting = asyncio.create_task(api.page(session, after=page.next, wait=25))
    await api.session(session)
    assert not waiting.done()
    gate.let(1)
    page = await waiting
    assert [json.loads(event)["type"] for event in page.events] == ["tick"]


async def test_long_poll_runs_out(api: Api) -> None:
    """A long poll that waited in vain answers with nothing and the cursor that it came with."""
    session = fresh()
    await api.call("POST", "/api/sessions", {"id": session})
    page = await api.page(session, wait=0.2)
    assert (page.events, page.next, page.state) == ([], f"{page.epoch}-0", "waiting")


async def test_long_poll_at_the_end_answers_at_once(api: Api) -> None:
    """Where nothing more will come there is nothing to wait for."""
    session = fresh()
    await api.start(session, "silent")
    await api.ended(session)
    after = (await api.page(session)).next
    async with asyncio.timeout(10):
        page = await api.page(session, after=after, wait=30)
    assert (page.events, page.next) == ([], after)


async def test_long_poll_makes_the_session(api: Api) -> None:
    """A long poll attaches, so it makes the session; a plain read doesn't."""
    session = fresh()
    answer = await api.call("GET", f"/api/sessions/{session}/events")
    assert answer.status == 404
    page = await api.page(session, wait=0.1)
    run = await api.start(session, "silent")
    await api.ended(session, run["id"])
    assert (await api.page(session)).epoch == page.epoch


async def test_catalogue_lists_workflows(api: Api) -> None:
    """Each workflow is listed with the first line of its description and its input's schema."""
    listed = (await api.call("GET", "/api/workflows")).json["workflows"]
    by_name = {each["name"]: each for each in listed}
    assert {"count", "gated", "echo"} <= set(by_name)
    assert by_name["count"]["description"] == "Counts to n, one each `delay` seconds."
    schema = json.dumps(by_name["count"]["schema"])
    assert '"n"' in schema
    assert "integer" in schema
    assert "error" not in by_name["count"]


@pytest.mark.parametrize(
    "path", ["/health/live", "/health/ready", "/metrics", "/", "/openapi.json"]
)
async def test_pages_for_operators(api: Api, path: str) -> None:
    """The pages that operators and browsers begin with are there."""
    answer = await api.call("GET", path)
    assert answer.status == 200
    assert answer.body


@pytest.mark.parametrize("path", ["/nowhere", "/api/nowhere", "/api/sessions/a/nowhere"])
async def test_nowhere_is_404_as_json(api: Api, path: str) -> None:
    """A path that isn't in the table is an error like any other."""
    answer = await api.call("GET", path)
    assert (answer.status, bool(answer.code)) == (404, True)


async def test_wrong_method_is_405_as_json(api: Api) -> None:
    """So is a method that a path doesn't have."""
    answer = await api.call("PUT", "/api/sessions")
    assert (answer.status, bool(answer.code)) == (405, True)


async def test_diagnosis_answers_in_order(api: Api) -> None:
    """The diagnosis answers the operator's six questions and gives a verdict of one line."""
    session = fresh()
    await api.start(session, "silent")
    await api.ended(session)
    found = (await api.call("GET", f"/api/sessions/{session}/diagnosis")).json
    assert len(found["questions"]) == 6
    for question in found["questions"]:
        assert {"question", "ok", "evidence"} <= set(question)
    assert found["verdict"]
    assert "\n" not in found["verdict"]


async def test_metrics_count_what_happens(api: Api) -> None:
    """The metrics page is Prometheus text, with the runs, events and subscribers of this server."""
    text = (await api.call("GET", "/metrics")).body.decode()
    families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    for word in ("run", "event", "byte", "subscriber", "commit", "lag"):
        assert any(word in family for family in families), word

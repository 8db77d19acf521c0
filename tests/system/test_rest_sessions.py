"""HTTP: sessions."""

import asyncio
import contextlib

import pytest
import yarl

from tests.system.api import Api, fresh
from tests.system.frames import Refused
from tests.system.gate import Gate
from tests.system.readers import Reader, frames
from tests.system.transports import event_stream, long_poll, websocket

BAD_IDS = ["a.b", "a b", "é", "a" * 65, "a\nb", "..", "a%2Fb", "\u0000"]


async def test_create_then_find(api: Api) -> None:
    """Creating is 201 once and 200 ever after, with the same session object."""
    session = fresh()
    made = await api.call("POST", "/api/sessions", {"id": session, "labels": {"team": "a"}})
    again = await api.call("POST", "/api/sessions", {"id": session})
    assert (made.status, again.status) == (201, 200)
    assert made.json["epoch"] == again.json["epoch"] == (await api.session(session))["epoch"]
    found = made.json
    named = {"id", "epoch", "state", "created", "labels", "first", "last", "subscribers"}
    assert named <= set(found)
    assert (found["id"], found["state"], found["labels"]) == (session, "waiting", {"team": "a"})
    assert (found["first"], found["last"], found["subscribers"]) == (1, 0, 0)


async def test_create_without_an_id(api: Api) -> None:
    """A session that nobody named gets an id of its own."""
    made = [await api.call("POST", "/api/sessions", {}) for _ in range(2)]
    assert [each.status for each in made] == [201, 201]
    assert made[0].json["id"] != made[1].json["id"]


async def test_unknown_session_is_404(api: Api) -> None:
    """A session that nobody asked for isn't there, and asking doesn't make it."""
    session = fresh()
    for path in ("", "/runs", "/events"):
        answer = await api.call("GET", f"/api/sessions/{session}{path}")
        assert (answer.status, bool(answer.code)) == (404, True), path
    assert (await api.call("DELETE", f"/api/sessions/{session}")).status == 404


async def test_attaching_makes_a_session_that_can_be_seen(api: Api) -> None:
    """A session that a subscriber waits in has an object, and counts its subscribers."""
    reader = Reader(fresh())
    async with contextlib.aclosing(frames(reader, api.http, api.url, websocket)) as stream:
        await anext(stream)
        found = await api.session(reader.session)
        assert (found["state"], found["subscribers"]) == ("waiting", 1)
    while (await api.session(reader.session))["subscribers"]:
        await asyncio.sleep(0.01)


async def test_states_of_a_session(api: Api, gate: Gate) -> None:
    """A session waits, runs while a run is active, and is closed after its terminal event."""
    session = fresh()
    await api.call("POST", "/api/sessions", {"id": session})
    run = await api.start(session, "gated", gate=gate.path)
    running = await api.session(session)
    assert (running["state"], running["run"]) == ("running", run["id"])
    gate.close()
    events = await api.ended(session)
    closed = await api.session(session)
    assert (closed["state"], closed["first"], closed["last"]) == ("closed", 1, len(events))


async def test_list_is_newest_first_and_pages(api: Api) -> None:
    """The list names every session once, newest first, page by page."""
    made = [fresh("list") for _ in range(7)]
    for session in made:
        await api.call("POST", "/api/sessions", {"id": session})
    seen: list[str] = []
    path = "/api/sessions?limit=3"
    while path:
        page = (await api.call("GET", path)).json
        assert len(page["sessions"]) <= 3
        seen += [each["id"] for each in page["sessions"]]
        done = set(made) <= set(seen)
        path = f"/api/sessions?limit=3&before={page['next']}" if "next" in page and not done else ""
    assert [each for each in seen if each in made] == made[::-1]
    assert len(seen) == len(set(seen))


async def test_list_by_state(api: Api, gate: Gate) -> None:
    """The list can be narrowed to one state."""
    waiting, running = fresh(), fresh()
    await api.call("POST", "/api/sessions", {"id": waiting})
    await api.start(running, "gated", gate=gate.path)
    listed = (await api.call("GET", "/api/sessions?state=running")).json["sessions"]
    assert running in [each["id"] for each in listed]
    assert {each["state"] for each in listed} == {"running"}


async def test_runs_of_a_session(api: Api) -> None:
    """A session lists all its runs."""
    session = fresh()
    ids = []
    for _ in range(2):
        run = await api.start(session, "silent")
        await api.ended(session, run["id"])
        ids.append(run["id"])
    runs = (await api.call("GET", f"/api/sessions/{session}/runs")).json["runs"]
    assert sorted(each["id"] for each in runs) == sorted(ids)
    assert {each["state"] for each in runs} == {"complete"}


async def test_delete_tells_readers_and_forgets(api: Api) -> None:
    """A deleted session sends its readers away with `deleted` and is gone."""
    session = fresh()
    await api.start(session, "silent")
    await api.ended(session)
    readers = [Reader(session), Reader(session)]
    streams = [
        frames(reader, api.http, api.url, transport, until="forever")
        for reader, transport in zip(readers, (websocket, event_stream), strict=True)
    ]
    for reader, stream in zip(readers, streams, strict=True):
        while reader.offset < 2:
            await anext(stream)
    assert (await api.call("DELETE", f"/api/sessions/{session}")).status == 204
    for stream in streams:
        byes = [frame.body async for frame in stream if frame.kind == "bye"]
        assert [(bye["reason"], bye["reconnect"]) for bye in byes] == [("deleted", False)]
    assert (await api.call("GET", f"/api/sessions/{session}")).status == 404
    with pytest.raises(Refused, match="404"):
        await anext(long_poll(api.http, api.url, session, readers[0].cursor))


async def test_deleted_session_can_be_begun_again(api: Api) -> None:
    """The id of a deleted session begins a new life: another epoch, offsets from 1."""
    session = fresh()
    await api.start(session, "silent")
    await api.ended(session)
    epoch = (await api.session(session))["epoch"]
    await api.call("DELETE", f"/api/sessions/{session}")
    await api.start(session, "silent")
    events = await api.ended(session)
    assert [event["offset"] for event in events] == [1, 2]
    assert (await api.session(session))["epoch"] != epoch


async def test_delete_waits_for_the_run(api: Api, gate: Gate) -> None:
    """A session with an active run isn't deleted: 409, and nothing is lost."""
    session = fresh()
    await api.start(session, "gated", gate=gate.path)
    answer = await api.call("DELETE", f"/api/sessions/{session}")
    assert (answer.status, bool(answer.code)) == (409, True)
    gate.close()
    assert len(await api.ended(session)) == 2


@pytest.mark.parametrize("bad", BAD_IDS, ids=[*map(str, range(len(BAD_IDS)))])
async def test_bad_ids_are_400(api: Api, bad: str) -> None:
    """An id that matches no id is refused before anything is looked up."""
    answer = await api.call("POST", "/api/sessions", {"id": bad})
    assert (answer.status, bool(answer.code)) == (400, True)


@pytest.mark.parametrize("bad", ["a.b", "a%20b", "%C3%A9", "a" * 65, "a%0Ab", "a%00"])
async def test_bad_ids_in_a_path_are_400(api: Api, bad: str) -> None:
    """The same holds in a path."""
    for path in (f"/api/sessions/{bad}", f"/api/sessions/{bad}/events", f"/api/runs/{bad}"):
        async with api.http.get(yarl.URL(api.url + path, encoded=True)) as answer:
            assert answer.status == 400, path
            assert (await answer.json())["error"]["message"]

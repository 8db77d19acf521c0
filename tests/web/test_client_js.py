"""The browser client, in a real browser and against a real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, Page, Route

from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.patience import eventually
from tests.system.processes import Server, StartServer
from tests.web.chromium import chromium, needs_chromium, tab
from tests.web.middlebox import Middlebox, Tamper

pytestmark = needs_chromium
RULES = Path(__file__).parent / "js"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start a browser for one test."""
    async with chromium() as running:
        yield running


class Follower:
    """One `follow` in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def get(self, path: str) -> Any:
        """Return what `record` kept under that name, or a property of the stream."""
        return await self.page.evaluate(f"kept.{path}")

    async def reaches(self, condition: str) -> None:
        """Wait until the condition on `kept` holds; say what is there where it does not."""

        async def met() -> bool:
            return bool(await self.page.evaluate(f"kept.{condition}"))

        try:
            await eventually(met, condition)
        except AssertionError as error:
            error.add_note(json.dumps(await self.page.evaluate("({...kept, events: null})")))
            raise

    async def do(self, action: str) -> Any:
        """Call a method of the stream."""
        return await self.page.evaluate(f"kept.stream.{action}")

    async def expect_all(self, count: int) -> None:
        """Wait for the end; every offset must have come once, in order."""
        await self.reaches("stream.state.name === 'ended'")
        assert await self.get("offsets") == list(range(1, count + 1))


async def follow(page: Page, url: str, session: str, **options: object) -> Follower:
    """Follow a session from a page of that server."""
    await page.route("**/js/record.js", _record)
    await page.goto(f"{url}/")
    await page.evaluate(
        "async ([session, options]) => {"
        " const { record } = await import('/js/record.js');"
        " globalThis.kept = record(session, options); }",
        [session, options],
    )
    return Follower(page)


async def _record(route: Route) -> None:
    await route.fulfill(path=RULES / "record.js", content_type="text/javascript")


LIVE = "stream.state.name === 'live'"


async def test_follows_a_session_from_before_its_run_to_its_end(
    browser: Browser, server: Server, api: Api
) -> None:
    """A client that attached before the run gets all of it, and an end."""
    session = fresh()
    async with tab(browser) as page:
        follower = await follow(page, server.url, session)
        await follower.reaches("states.includes('Connected, waiting for a run')")
        await api.start(session, "count", n=50)
        await follower.expect_all(52)
        found = await follower.get("events")
    assert found == await api.events(session)


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_cuts_cost_nothing(
    browser: Browser, server: Server, api: Api, gate: Gate, transport: str
) -> None:
    """Events that were emitted while a connection was away are there when it is back."""
    session = fresh()
    async with tab(browser) as page:
        follower = await follow(page, server.url, session, transports=[transport])
        await follower.reaches(LIVE)
        await api.start(session, "gated", gate=gate.path)
        for round_ in range(1, 4):
            gate.let(2)
            await follower.reaches(f"events.length === {1 + 2 * round_}")
            await follower.do("cut()")
        gate.let(2)
        gate.close()
        await follower.expect_all(10)
        counts = await follower.get("stream.counts")
        assert set(await follower.get("transports")) == {transport}
    assert counts == {"events": 10, "gaps": 0, "doubles": 0, "resets": 0, "cuts": 3}


async def test_cursor_never_runs_ahead_of_what_was_delivered(
    browser: Browser, server: Server, api: Api
) -> None:
    """The cursor that comes with an event names it, and another stream goes on right after it."""
    session = fresh()
    run = await api.start(session, "count", n=10)
    await api.ended(session, run["id"])
    async with tab(browser) as page:
        follower = await follow(page, server.url, session)
        await follower.expect_all(12)
        cursor = await follower.get("lastCursor")
        assert cursor == await follower.get("stream.cursor")
        epoch = cursor.partition("-")[0]
        later = await follow(page, server.url, session, after=f"{epoch}-9")
        await later.reaches("stream.state.name === 'ended'")
        assert await later.get("offsets") == [10, 11, 12]


async def test_a_filter_leaves_no_gaps_and_moves_the_cursor(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """With `types` what is left out is no gap, and heartbeats move the cursor over it."""
    session = fresh()
    async with tab(browser) as page:
        follower = await follow(page, server.url, session, types=["run_start", "complete"])
        await follower.reaches(LIVE)
        await api.start(session, "gated", gate=gate.path)
        gate.let(3)
        await follower.reaches("stream.cursor.endsWith('-4')")
        await follower.do("cut()")
        gate.close()
        await follower.reaches("stream.state.name === 'ended'")
        assert await follower.get("offsets") == [1, 5]
        assert await follower.get("stream.counts.gaps") == 0


def once(change: Callable[[bytes], list[bytes] | None]) -> Tamper:
    """Apply the change to the first frame that it wants, also within an array; all others pass."""
    done: list[bytes] = []

    def tampered(frame: bytes) -> list[bytes]:
        changed = None if done else change(frame)
        if changed is None:
            return [frame]
        done.append(frame)
        return changed

    def tamper(payload: bytes) -> list[bytes]:
        if not payload.startswith(b"["):
            return tampered(payload)
        events = msgspec.json.decode(payload, type=list[msgspec.Raw])
        left = [new for event in events for new in tampered(bytes(event))]
        return [b"[%b]" % b",".join(left)] if left else []

    return tamper


def is_tick(number: int, payload: bytes) -> bool:
    """Whether a message is the tick of that number."""
    message = json.loads(payload)
    return bool(message["type"] == "tick" and message["data"]["i"] == number)


async def test_a_lost_message_is_noticed_and_made_up_for(
    browser: Browser, server: Server, api: Api
) -> None:
    """A gap is counted, and healed by taking the stream up before it."""
    session = fresh()
    await api.start(session, "count", n=20)
    lose = once(lambda payload: [] if is_tick(7, payload) else None)
    async with Middlebox(server.port, tamper=lose) as box, tab(browser) as page:
        follower = await follow(page, box.url, session)
        await follower.expect_all(22)
        assert await follower.get("stream.counts.gaps") == 1
        assert "gap" in await follower.get("reasons")


async def test_a_lost_end_is_noticed(browser: Browser, server: Server, api: Api) -> None:
    """A goodbye that speaks of more than was delivered is not believed."""
    session = fresh()
    await api.start(session, "count", n=5)
    lose = once(lambda payload: [] if json.loads(payload)["type"] == "complete" else None)
    async with Middlebox(server.port, tamper=lose) as box, tab(browser) as page:
        follower = await follow(page, box.url, session)
        await follower.expect_all(7)
        assert await follower.get("stream.counts.gaps") == 1


async def test_a_doubled_message_is_delivered_once(
    browser: Browser, server: Server, api: Api
) -> None:
    """A double is counted and not delivered, and the connection stays."""
    session = fresh()
    await api.start(session, "count", n=20)
    double = once(lambda payload: [payload, payload] if is_tick(7, payload) else None)
    async with Middlebox(server.port, tamper=double) as box, tab(browser) as page:
        follower = await follow(page, box.url, session)
        await follower.expect_all(22)
        counts = await follower.get("stream.counts")
    assert (counts["doubles"], counts["gaps"], counts["cuts"]) == (1, 0, 0)


async def test_a_dead_socket_is_found_by_its_silence(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """A connection that stays open and brings nothing is replaced after 2.5 heartbeats."""
    session = fresh()
    box = Middlebox(server.port)
    async with box, tab(browser) as page:
        follower = await follow(page, box.url, session, transports=["websocket"])
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await follower.reaches("events.length === 3")

        def drop_until_next_ready(payload: bytes) -> list[bytes]:
            if b'"type":"ready"' not in payload:
                return []
            box.tamper = lambda payload: [payload]
            return [payload]

        box.tamper = drop_until_next_ready
        gate.let(2)
        await follower.reaches("events.length === 5")
        gate.close()
        await follower.expect_all(6)
        assert "silent" in await follower.get("reasons")
        assert await follower.get("stream.counts.cuts") == 1


@pytest.mark.parametrize("upgrades", ["refuse", "swallow"])
async def test_without_websockets_it_takes_the_event_stream_and_remembers(
    browser: Browser, server: Server, api: Api, gate: Gate, upgrades: Any
) -> None:
    """One WebSocket that never got ready is enough; later connections don't try it again."""
    session = fresh()
    async with Middlebox(server.port, upgrades) as box, tab(browser) as page:
        follower = await follow(page, box.url, session)
        await follower.reaches(LIVE)
        await api.start(session, "gated", gate=gate.path)
        for events in (3, 5):
            gate.let(2)
            await follower.reaches(f"events.length === {events}")
            await follower.do("cut()")
        gate.close()
        await follower.expect_all(6)
        again = await follow(page, box.url, session)
        await again.expect_all(6)
        assert await again.get("transports[0]") == "sse"
        assert box.upgrades == 1


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_a_server_that_restarts_is_waited_for(
    browser: Browser, start_server: StartServer, tmp_path: Path, transport: str
) -> None:
    """After a goodbye for a restart the stream goes on with the next server, from its cursor."""
    session = fresh()
    first = start_server(tmp_path / "data")
    async with Api(first.url) as api:
        run = await api.start(session, "count", n=5)
        await api.ended(session, run["id"])
    async with tab(browser) as page:
        options = {"until": "forever", "transports": [transport]}
        follower = await follow(page, first.url, session, **options)
        await follower.reaches("events.length === 7")
        first.terminate()
        await asyncio.to_thread(first.wait)
        second = start_server(tmp_path / "data", PORT=first.port)
        async with Api(second.url) as api:
            await api.start(session, "count", n=5)
        await follower.reaches("events.length === 14")
        assert await follower.get("offsets") == list(range(1, 15))
        assert "restart" in await follower.get("reasons")


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_cancel_reaches_the_run(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """`cancel` ends the run on every transport, and its promise resolves."""
    session = fresh()
    run = await api.start(session, "listens")
    async with tab(browser) as page:
        follower = await follow(page, server.url, session, transports=[transport])
        await follower.reaches("events.some(({ type }) => type === 'alive')")
        await follower.do(f"cancel({json.dumps(run['id'])})")
        await follower.reaches("stream.state.name === 'ended'")
    assert (await api.run(run["id"]))["state"] == "cancelled"


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_input_answers_a_question_once(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """`input` answers a pending request; a wrong value is refused with the server's words."""
    session = fresh()
    run = json.dumps((await api.start(session, "asks"))["id"])
    async with tab(browser) as page:
        follower = await follow(page, server.url, session, transports=[transport])
        await follower.reaches("events.some(({ type }) => type === 'input_request')")
        request = await page.evaluate(
            "kept.events.find(({ type }) => type === 'input_request').data.request"
        )
        wrong = f"input({run}, {json.dumps(request)}, 'many')"
        refused = await follower.do(f"{wrong}.then(() => '', ({{ message }}) => message)")
        assert "integer" in refused
        await follower.do(f"input({run}, {json.dumps(request)}, 7)")
        await follower.reaches("stream.state.name === 'ended'")
        assert await follower.get("events.at(-1).data.result") == 7


@pytest.mark.parametrize("transport", ["websocket", "sse"])
async def test_a_cursor_of_another_life_begins_again(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """A reset is told, and the log follows from its first event under its own epoch."""
    session = fresh()
    await api.ended(session, (await api.start(session, "count", n=3))["id"])
    async with tab(browser) as page:
        options = {"after": "zzzz9999-2", "transports": [transport]}
        follower = await follow(page, server.url, session, **options)
        await follower.expect_all(5)
        assert await follower.get("resets") == ["epoch"]
        assert await follower.get("stream.cursor") == f"{(await api.session(session))['epoch']}-5"


@pytest.mark.parametrize("transport", ["websocket", "sse"])
@pytest.mark.parametrize(
    ("after", "reason"), [("garbage", "bad_request"), ("zzzz9999-2", "deleted")]
)
async def test_what_cannot_be_followed_stops_with_words(
    browser: Browser, server: Server, transport: str, after: str, reason: str
) -> None:
    """A cursor that is none, or one into a session that is gone, ends the following for good."""
    async with tab(browser) as page:
        options = {"after": after, "transports": [transport]}
        follower = await follow(page, server.url, fresh(), **options)
        await follower.reaches("stream.state.name === 'stopped'")
        assert await follower.get("stream.state.reason") == reason
        assert (await follower.get("stream.state.text")).startswith("Stopped: ")


async def test_close_ends_the_following_and_not_the_run(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """A closed stream delivers nothing more, and the run goes on to its own end."""
    session = fresh()
    async with tab(browser) as page:
        follower = await follow(page, server.url, session)
        await follower.reaches(LIVE)
        run = await api.start(session, "gated", gate=gate.path)
        await follower.reaches("events.length === 1")
        await follower.do("close()")
        gate.let(2)
        gate.close()
        await api.ended(session, run["id"])
        assert await follower.get("stream.state.text") == "Closed"
        assert await follower.get("events.length") == 1
    assert (await api.run(run["id"]))["state"] == "complete"


async def test_close_from_within_a_callback_opens_nothing(
    browser: Browser, server: Server, api: Api
) -> None:
    """A stream that is closed in its first `onState` never reaches the server."""
    session = fresh()
    async with tab(browser) as page:
        await page.goto(f"{server.url}/")
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        ended = await page.evaluate(
            "async (session) => {"
            " const { follow } = await import('/static/keepstream.js');"
            " return new Promise((resolve) => {"
            "  const stream = follow(`/api/sessions/${session}`, { onState: ({ name }) =>"
            "   name === 'closed' ? setTimeout(resolve, 0, stream.state.text) : stream.close() });"
            " }); }",
            session,
        )
        assert ended == "Closed"
        assert sockets == []
    assert (await api.call("GET", f"/api/sessions/{session}")).status == 404

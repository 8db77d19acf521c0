"""What the browser client promises, over each transport, in a real browser."""

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import needs_chromium, tab
from tests.browser.following import LIVE, TRANSPORTS, follow, grown, open_page
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.processes import Server, StartServer

pytestmark = needs_chromium
over_each = pytest.mark.parametrize("transport", TRANSPORTS)


@over_each
async def test_follows_a_session_from_before_its_run_to_its_end(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """A client that attached before the run gets all of it, and an end."""
    session = fresh()
    async with tab(browser) as page:
        follower = await follow(page, server.url, session, transports=[transport])
        await follower.reaches("states.includes('Connected, waiting for a run')")
        await api.start(session, "count", n=50)
        await follower.expect_all(52)
        found = await follower.get("events")
        assert await follower.get("stream.state.reason") == "ended"
        assert set(await follower.get("transports")) == {transport}
    assert found == await api.events(session)


@over_each
async def test_a_long_history_comes_whole(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """More events than any page or frame holds come once each, in order."""
    session = await api.complete("count", n=2500)
    async with tab(browser) as page:
        follower = await follow(page, server.url, session, transports=[transport])
        await follower.expect_all(2502)
        counts = await follower.get("stream.counts")
    assert counts == {"events": 2502, "gaps": 0, "doubles": 0, "resets": 0, "cuts": 0}


@over_each
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
        assert "cut" in await follower.get("reasons")
    assert counts == {"events": 10, "gaps": 0, "doubles": 0, "resets": 0, "cuts": 3}


async def test_cursor_never_runs_ahead_of_what_was_delivered(
    browser: Browser, server: Server, api: Api
) -> None:
    """The cursor that comes with an event names it, and another stream goes on right after it."""
    session = await api.complete("count", n=10)
    async with tab(browser) as page:
        follower = await follow(page, server.url, session)
        await follower.expect_all(12)
        cursor = await follower.get("lastCursor")
        assert cursor == await follower.get("stream.cursor")
        epoch = cursor.partition("-")[0]
        later = await follow(page, server.url, session, after=f"{epoch}-9")
        await later.reaches("stream.state.name === 'ended'")
        assert await later.get("offsets") == [10, 11, 12]


@over_each
async def test_now_leaves_out_what_was_before(
    browser: Browser, server: Server, api: Api, gate: Gate, transport: str
) -> None:
    """`now` begins behind the last event that is there, and a cut does not move that."""
    session = fresh()
    await api.start(session, "gated", gate=gate.path)
    gate.let(3)
    await grown(api, session, 4)
    async with tab(browser) as page:
        options = {"after": "now", "transports": [transport]}
        follower = await follow(page, server.url, session, **options)
        await follower.reaches(LIVE)
        await follower.do("cut()")
        gate.let(2)
        gate.close()
        await follower.reaches("stream.state.name === 'ended'")
        assert await follower.get("offsets") == [5, 6, 7]


@over_each
async def test_a_filter_leaves_no_gaps_and_moves_the_cursor(
    browser: Browser, server: Server, api: Api, gate: Gate, transport: str
) -> None:
    """With `types` what is left out is no gap, and heartbeats move the cursor over it."""
    session = fresh()
    async with tab(browser) as page:
        types = ["run_start", "complete"]
        options = {"types": types, "transports": [transport], "pollSeconds": 1}
        follower = await follow(page, server.url, session, **options)
        await follower.reaches(LIVE)
        await api.start(session, "gated", gate=gate.path)
        gate.let(3)
        await follower.reaches("stream.cursor.endsWith('-4')")
        await follower.do("cut()")
        gate.close()
        await follower.reaches("stream.state.name === 'ended'")
        assert await follower.get("offsets") == [1, 5]
        assert await follower.get("stream.counts.gaps") == 0


@over_each
async def test_a_server_that_restarts_is_waited_for(
    browser: Browser, start_server: StartServer, tmp_path: Path, transport: str
) -> None:
    """When the server goes away the stream goes on with the next one, from its cursor."""
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
        # A page has no goodbye, and need not have been asked for while no server was there.
        assert transport == "poll" or "restart" in await follower.get("reasons")


@over_each
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


@over_each
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


@over_each
async def test_a_cursor_of_another_life_begins_again(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """A reset is told, and the log follows from its first event under its own epoch."""
    session = await api.complete("count", n=3)
    async with tab(browser) as page:
        options = {"after": "zzzz9999-2", "transports": [transport]}
        follower = await follow(page, server.url, session, **options)
        await follower.expect_all(5)
        assert await follower.get("resets") == ["epoch"]
        assert "reset" in await follower.get("reasons")
        assert await follower.get("stream.counts.gaps") == 0
        assert await follower.get("stream.cursor") == f"{(await api.session(session))['epoch']}-5"


@over_each
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
        text = await follower.get("stream.state.text")
        assert text.startswith("Stopped: ")
        assert (after in text) == (reason == "bad_request"), "the server's own words name it"


@over_each
async def test_a_session_that_is_deleted_stops_its_readers(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """Who follows a session when it is deleted is told so, and does not come back."""
    session = await api.complete("count", n=3)
    async with tab(browser) as page:
        options = {"until": "forever", "transports": [transport], "pollSeconds": 1}
        follower = await follow(page, server.url, session, **options)
        await follower.reaches("events.length === 5")
        assert (await api.call("DELETE", f"/api/sessions/{session}")).status == 204
        await follower.reaches("stream.state.name === 'stopped'")
        assert await follower.get("stream.state.reason") == "deleted"


@over_each
@pytest.mark.parametrize("how", ["stream.close()", "control.abort()"])
async def test_close_ends_the_following_and_not_the_run(  # noqa: PLR0917
    browser: Browser, server: Server, api: Api, gate: Gate, transport: str, how: str
) -> None:
    """A stream that is closed, by call or signal, delivers nothing more; the run goes on."""
    session = fresh()
    async with tab(browser) as page:
        follower = await follow(page, server.url, session, transports=[transport])
        await follower.reaches(LIVE)
        run = await api.start(session, "gated", gate=gate.path)
        await follower.reaches("events.length === 1")
        await page.evaluate(f"kept.{how}")
        gate.let(2)
        gate.close()
        await api.ended(session, run["id"])
        assert await follower.get("stream.state.text") == "Closed"
        assert await follower.get("stream.state.reason") == "closed"
        assert await follower.get("events.length") == 1
    assert (await api.run(run["id"]))["state"] == "complete"


@pytest.mark.parametrize("close", ["stream.close()", "control.abort()"])
async def test_close_from_within_a_callback_opens_nothing(
    browser: Browser, server: Server, api: Api, close: str
) -> None:
    """A stream that is closed in its first `onState` never reaches the server."""
    session = fresh()
    async with tab(browser) as page:
        await open_page(page, server.url)
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        ended = await page.evaluate(
            "async (session) => {"
            " const { follow } = await import('/static/keepstream.js');"
            " const control = new AbortController();"
            " return new Promise((resolve) => {"
            "  const stream = follow(`/api/sessions/${session}`, { signal: control.signal,"
            " onState: ({ name }) => name === 'closed' ? setTimeout(resolve, 0, name)"
            f"  : {close} }}); }}); }}",
            session,
        )
        assert ended == "closed"
        assert sockets == []
    assert (await api.call("GET", f"/api/sessions/{session}")).status == 404


async def test_a_signal_that_is_aborted_already_opens_nothing(
    browser: Browser, server: Server, api: Api
) -> None:
    """The caller has its stream before it hears that it is closed."""
    session = fresh()
    async with tab(browser) as page:
        await open_page(page, server.url)
        heard = await page.evaluate(
            "async (session) => {"
            " const { follow } = await import('/static/keepstream.js');"
            " let stream = null; const heard = [];"
            " stream = follow(`/api/sessions/${session}`, { signal: AbortSignal.abort(),"
            "  onState: ({ name }) => heard.push([name, stream !== null]) });"
            " await new Promise((done) => setTimeout(done)); return heard; }",
            session,
        )
        assert heard == [["closed", True]]
    assert (await api.call("GET", f"/api/sessions/{session}")).status == 404


async def test_a_mistake_in_the_options_is_told_at_once(browser: Browser, server: Server) -> None:
    """An option that there is not, and a transport that there is not, throw in the call."""
    async with tab(browser) as page:
        await open_page(page, server.url)
        told = await page.evaluate(
            "async () => { const { follow, connect } = await import('/static/keepstream.js');"
            " const message = (call) => { try { call(); return ''; } catch ({ message }) {"
            "  return message; } };"
            " return [() => follow('/api/sessions/a', { onevent: () => {} }),"
            "  () => connect('/api/ws', { transports: ['pigeon'] }),"
            "  () => follow('/api/sessions/a', { signal: AbortSignal.abort() }).prefer('shared'),"
            " ].map(message); }"
        )
    assert "onevent" in told[0]
    assert "poll" in told[1]
    assert "websocket" in told[2]

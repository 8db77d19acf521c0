"""The browser client in a loop: `for await (const event of follow(…))`, in a real browser."""

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import needs_chromium, tab
from tests.browser.following import (
    LIVE,
    TRANSPORTS,
    Follower,
    begin,
    call,
    in_a_page,
    open_page,
)
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.processes import Server

pytestmark = needs_chromium
over_each = pytest.mark.parametrize("transport", TRANSPORTS)
FREE = True


async def step(follower: Follower, count: int) -> None:
    """Let the loop go on, until it has taken so many events."""
    while (taken := await follower.get("events.length")) < count:
        await follower.page.evaluate("kept.go()")
        await follower.reaches(f"events.length > {taken}")


@over_each
async def test_a_loop_takes_every_event_and_ends_with_the_stream(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """The loop that began before the run sees all of it in order, and is left by itself."""
    session = fresh()
    async with tab(browser) as page:
        options = {"transports": [transport]}
        follower = await call(page, server.url, "loop", session, options, FREE)
        await follower.reaches(LIVE)
        await api.start(session, "count", n=30)
        await follower.reaches("done")
        assert await follower.get("offsets") == list(range(1, 33))
        assert await follower.get("threw") is None
        assert await follower.get("lastCursor") == await follower.get("stream.cursor")


@over_each
async def test_a_slow_loop_bounds_what_waits_for_it(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """Not more than the bound ever waits, the connection is given up meanwhile, and all comes."""
    session = await api.complete("count", n=300)
    async with tab(browser) as page:
        options = {"transports": [transport], "buffer": 20}
        follower = await call(page, server.url, "loop", session, options)
        await follower.reaches("stream.state.name === 'paused'")
        assert await follower.get("stream.buffered") == 20
        assert await follower.get("stream.state.reason") == "full"
        assert (await api.session(session))["subscribers"] == 0
        await step(follower, 25)
        await follower.page.evaluate("kept.free = true, kept.go()")
        await follower.reaches("done")
        assert await follower.get("offsets") == list(range(1, 303))
        assert await follower.get("most") <= 20
        counts = await follower.get("stream.counts")
    assert counts == {"events": 302, "gaps": 0, "doubles": 0, "resets": 0, "cuts": 0}


async def test_large_events_bound_what_waits_by_their_size(
    browser: Browser, server: Server, api: Api
) -> None:
    """A few events of a megabyte are as much as may wait, whatever their number."""
    session = await api.complete("chatty", n=12, size=900_000)
    async with tab(browser) as page:
        follower = await call(page, server.url, "loop", session, {})
        await follower.reaches("stream.state.name === 'paused'")
        assert await follower.get("stream.buffered") < 8
        await follower.page.evaluate("kept.free = true, kept.go()")
        await follower.reaches("done")
        assert await follower.get("offsets") == list(range(1, 15))


@over_each
async def test_leaving_a_loop_closes_the_stream(
    browser: Browser, server: Server, api: Api, gate: Gate, transport: str
) -> None:
    """`break` ends the connection; the cursor is behind the last event taken, the run goes on."""
    session = fresh()
    async with tab(browser) as page:
        options = {"transports": [transport]}
        follower = await call(page, server.url, "loop", session, options)
        await page.evaluate("kept.leaveAt = 3")
        run = await api.start(session, "gated", gate=gate.path)
        gate.let(5)
        await follower.reaches("stream.buffered === 5")
        await page.evaluate("kept.free = true, kept.go()")
        await follower.reaches("done")
        assert await follower.get("stream.state.name") == "closed"
        assert (await follower.get("stream.cursor")).endswith("-3")
        assert await follower.get("stream.counts.events") == 3
        gate.close()
        await api.ended(session, run["id"])
    assert (await api.run(run["id"]))["state"] == "complete"


async def test_events_wait_for_a_loop_that_begins_late(
    browser: Browser, server: Server, api: Api
) -> None:
    """Without `onEvent` nothing is delivered to nobody: what came before the loop is in it."""
    session = await api.complete("count", n=3)
    told = await in_a_page(
        browser,
        server.url,
        session,
        " const stream = follow(`/api/sessions/${session}`);"
        " while (stream.buffered < 5) await new Promise((done) => setTimeout(done, 10));"
        " const before = [stream.cursor.split('-')[1], stream.counts.events];"
        " const offsets = [];"
        " for await (const { offset } of stream) offsets.push(offset);"
        " return { before, offsets };",
    )
    assert told == {"before": ["0", 0], "offsets": [1, 2, 3, 4, 5]}


async def test_with_a_loop_callbacks_are_called_at_its_pace(
    browser: Browser, server: Server, api: Api
) -> None:
    """`onEvent` beside a loop gets each event when the loop takes it, once, with its cursor."""
    session = await api.complete("count", n=3)
    told = await in_a_page(
        browser,
        server.url,
        session,
        " const told = []; const onEvent = ({ offset }, cursor) =>"
        "  told.push(`on ${offset} ${cursor.split('-')[1]}`);"
        " const stream = follow(`/api/sessions/${session}`, { onEvent });"
        " for await (const { offset } of stream) {"
        "  told.push(`in ${offset} ${stream.cursor.split('-')[1]}`);"
        "  await new Promise((done) => setTimeout(done, 20)); }"
        " return told;",
    )
    assert told == [f"{where} {i} {i}" for i in range(1, 6) for where in ("on", "in")]


@over_each
async def test_a_loop_learns_of_a_reset_between_two_events(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """`onReset` comes before the first event of the log that began again."""
    session = await api.complete("count", n=3)
    async with tab(browser) as page:
        options = {"after": "zzzz9999-2", "transports": [transport]}
        follower = await call(page, server.url, "loop", session, options, FREE)
        await follower.reaches("done")
        assert await follower.get("resets") == ["epoch"]
        assert await follower.get("offsets") == [1, 2, 3, 4, 5]


@over_each
async def test_a_loop_throws_where_the_server_refuses(
    browser: Browser, server: Server, transport: str
) -> None:
    """What stops a stream is thrown, with the server's words and a reason by name."""
    async with tab(browser) as page:
        options = {"after": "garbage", "transports": [transport]}
        follower = await call(page, server.url, "loop", fresh(), options, FREE)
        await follower.reaches("done")
        threw = await follower.get("threw")
    assert (threw["name"], threw["reason"]) == ("StopError", "bad_request")
    assert "garbage" in threw["message"]


async def test_a_stream_has_one_loop(browser: Browser, server: Server) -> None:
    """A second loop would take events away from the first: it is refused."""
    async with tab(browser) as page:
        await open_page(page, server.url)
        await begin(page, "loop", fresh(), {})
        message = await page.evaluate(
            "() => { try { kept.stream[Symbol.asyncIterator](); return ''; }"
            " catch (error) { return `${error.name}: ${error.message}`; } }"
        )
    assert message.startswith("TypeError: a stream has one loop")


async def test_closing_ends_a_loop_that_waits(browser: Browser, server: Server) -> None:
    """`close` and the signal end a loop without an error, though no event comes any more."""
    async with tab(browser) as page:
        follower = await call(page, server.url, "loop", fresh(), {}, FREE)
        await follower.reaches(LIVE)
        await follower.do("close()")
        await follower.reaches("done")
        assert await follower.get("threw") is None

"""What the browser client says about its connection, and which transport it is told to use."""

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import needs_chromium, tab
from tests.browser.following import LIVE, TRANSPORTS, begin, follow, grown, in_a_page, open_page
from tests.browser.middlebox import Middlebox
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.processes import Server

pytestmark = needs_chromium
over_each = pytest.mark.parametrize("transport", TRANSPORTS)


@over_each
async def test_what_was_missed_is_told_when_it_is_back(
    browser: Browser, server: Server, api: Api, gate: Gate, transport: str
) -> None:
    """`missed` is what came while no connection was there, `last` is where the log ends."""
    session = fresh()
    async with Middlebox(server.port) as box, tab(browser) as page:
        await open_page(page, box.url)
        follower = await begin(page, "record", session, {"transports": [transport]})
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await follower.reaches("events.length === 3")
        assert await follower.get("missed") == 0
        box.closed = True
        box.reset_all()
        await follower.reaches("stream.state.name === 'reconnecting'")
        gate.let(4)
        await grown(api, session, 7)
        box.closed = False
        await follower.reaches("events.length === 7")
        assert await follower.get("missed") == 4
        assert await follower.get("stream.last") == 7
        await follower.reaches(LIVE)
        state = await follower.get("stream.state")
        assert (state["last"], state["behind"], state["reason"]) == (7, 0, None)
        gate.close()
        await follower.expect_all(8)


@over_each
async def test_the_age_of_the_last_bytes_is_known(
    browser: Browser, server: Server, api: Api, transport: str
) -> None:
    """It is null before the first bytes, grows while nothing comes, and starts anew with any."""
    async with Middlebox(server.port) as box, tab(browser) as page:
        await open_page(page, box.url)
        box.reset_all()
        box.closed = True
        options = {"transports": [transport], "pollSeconds": 1}
        follower = await begin(page, "record", fresh(), options)
        assert await follower.get("stream.heardAgeMs") is None
        box.closed = False
        await follower.reaches(LIVE)
        heartbeat, dead = (1000, 11_000) if transport == "poll" else (500, 1250)
        assert await follower.get("stream.heartbeatMs") == heartbeat
        assert await follower.get("stream.deadAfterMs") == dead
        await follower.reaches("stream.heardAgeMs > 200")
        await follower.reaches("stream.heardAgeMs < 200")
        box.mute()
        await follower.reaches("stream.heardAgeMs > 1200")


@pytest.mark.parametrize("first", TRANSPORTS)
async def test_a_transport_can_be_forced_and_let_go(
    browser: Browser, server: Server, api: Api, gate: Gate, first: str
) -> None:
    """`prefer` goes on with that transport at once, and null with what worked before."""
    session = fresh()
    async with tab(browser) as page:
        options = {"transports": [first, *TRANSPORTS]}
        follower = await follow(page, server.url, session, **options)
        await follower.reaches(LIVE)
        await api.start(session, "gated", gate=gate.path)
        for i, forced in enumerate([*TRANSPORTS, None], 1):
            gate.let(2)
            await follower.do(f"prefer({repr(forced) if forced else 'null'})")
            name = forced or first
            await follower.reaches(f"{LIVE} && kept.stream.state.transport === '{name}'")
            assert await follower.get("stream.state.preferred") == forced
            await follower.reaches(f"events.length === {1 + 2 * i}")
        gate.close()
        await follower.expect_all(10)
        assert await follower.get("stream.counts.cuts") == 0, "no trouble, so no cut"
        assert set(await follower.get("reasons")) <= {None, "preferred", "ended"}


async def test_a_transport_that_is_forced_has_no_fallback(
    browser: Browser, server: Server, api: Api
) -> None:
    """What does not get through is tried again and again, until the choice is free."""
    session = await api.complete("count", n=3)
    async with Middlebox(server.port, upgrades="refuse") as box, tab(browser) as page:
        options = {"transports": ["poll"], "until": "forever"}
        follower = await follow(page, box.url, session, **options)
        await follower.reaches("events.length === 5")
        await follower.do("prefer('websocket')")
        await follower.reaches("stream.state.attempt >= 3")
        assert set((await follower.get("transports"))[-3:]) == {"websocket"}
        assert await follower.get("stream.state.retryInMs") is not None
        await follower.do("prefer(null)")
        await follower.reaches(f"{LIVE} && kept.stream.state.transport === 'poll'")


async def test_a_callback_that_throws_is_seen_and_ends_nothing(
    browser: Browser, server: Server, api: Api
) -> None:
    """A fault of the page's own is reported as such, and the next event comes all the same."""
    session = await api.complete("count", n=3)
    told = await in_a_page(
        browser,
        server.url,
        session,
        " const offsets = []; let faults = 0;"
        " self.addEventListener('error', (event) => { faults += 1; event.preventDefault(); });"
        " return new Promise((resolve) => follow(`/api/sessions/${session}`, {"
        "  onEvent: ({ offset }) => { offsets.push(offset); throw new Error('mine'); },"
        "  onState: ({ name }) => name === 'ended' && resolve({ offsets, faults }) }));",
    )
    assert told == {"offsets": [1, 2, 3, 4, 5], "faults": 5}

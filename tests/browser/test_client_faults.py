"""The browser client where something between it and the server is broken, in a real browser."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, Page

from chaos.network import BadNetwork, Draw, Ending, Plan, cutting
from tests.browser.chromium import needs_chromium, tab
from tests.browser.following import LIVE, TRANSPORTS, begin, follow, open_page
from tests.browser.middlebox import Middlebox, Tamper
from tests.system import nginx as proxies
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.patience import PATIENCE
from tests.system.processes import Server

pytestmark = needs_chromium
over_each = pytest.mark.parametrize("transport", TRANSPORTS)


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


# -- what the client finds by itself


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


@over_each
async def test_a_dead_socket_is_found_by_its_silence(
    browser: Browser, server: Server, api: Api, gate: Gate, transport: str
) -> None:
    """A connection that stays open and brings nothing is replaced by one that does."""
    session = fresh()
    async with Middlebox(server.port) as box, tab(browser) as page:
        options = {"transports": [transport], "pollSeconds": 1}
        await open_page(page, box.url)
        box.reset_all()  # or the next one might be a connection that lay idle, and is as dead
        follower = await begin(page, "record", session, options)
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await follower.reaches("events.length === 3")
        box.mute()
        gate.let(2)
        await follower.reaches("events.length === 5")
        gate.close()
        await follower.expect_all(6)
        assert "silent" in await follower.get("reasons")
        assert await follower.get("stream.counts.cuts") == 1
        assert await follower.get("missed") == 2


# -- what gets through is found, and remembered


WALLS: list[tuple[dict[str, Any], str]] = [
    ({"upgrades": "refuse"}, "sse"),
    ({"upgrades": "swallow"}, "sse"),
    ({"upgrades": "refuse", "streams": "hold"}, "poll"),
    ({"upgrades": "swallow", "streams": "hold"}, "poll"),
]


@pytest.mark.parametrize(("wall", "transport"), WALLS)
async def test_what_gets_through_is_taken_and_remembered(  # noqa: PLR0917
    browser: Browser, server: Server, api: Api, gate: Gate, wall: dict[str, Any], transport: str
) -> None:
    """One try that never got ready is enough; later connections don't try it again."""
    session = fresh()
    async with Middlebox(server.port, **wall) as box, tab(browser) as page:
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
        assert await again.get("transports[0]") == transport
        assert box.upgrades == 1


@pytest.fixture(params=["no_upgrade", "defaults"])
def behind_nginx(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """Yield the shared server's url through an nginx that knows no upgrades."""
    way = request.param
    with_host = f"{proxies.LOCATIONS[way]} proxy_set_header Host $http_host;"
    monkeypatch.setattr(proxies, "LOCATIONS", {way: with_host})  # a browser has an Origin to match
    with proxies.nginx(tmp_path / "nginx", server.port) as urls:
        yield urls[way]


@pytest.mark.skipif(proxies.NGINX is None, reason="nginx is not installed")
async def test_behind_an_nginx_that_knows_no_upgrades(
    browser: Browser, behind_nginx: str, api: Api, gate: Gate
) -> None:
    """A real proxy as people set it up lets the event stream through, and polls where forced."""
    session = fresh()
    async with tab(browser) as page:
        follower = await follow(page, behind_nginx, session)
        await follower.reaches(LIVE)
        assert await follower.get("stream.state.transport") == "sse"
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await follower.reaches("events.length === 3")
        await follower.do("prefer('poll')")
        await follower.reaches(f"{LIVE} && kept.stream.state.transport === 'poll'")
        gate.let(2)
        gate.close()
        await follower.expect_all(6)


# -- cuts


@over_each
@pytest.mark.parametrize("ending", ["reset", "half_close", "stall"])
async def test_a_bad_network_costs_nothing(
    browser: Browser, server: Server, api: Api, transport: str, ending: Ending
) -> None:
    """Connections that are cut, half closed or fall silent anywhere leave no gap and no double."""
    session = await api.complete("count", n=150)
    async with BadNetwork(server.port, seed=11) as network, tab(browser) as page:
        await open_page(page, network.url)  # not the page but the stream is to be cut
        network.draw = bad(ending)
        network.reset_all()
        options = {"transports": [transport], "pollSeconds": 1}
        follower = await begin(page, "record", session, options)
        await follower.expect_all(152, 3 * PATIENCE)
        counts = await follower.get("stream.counts")
        assert network.cuts
    assert (counts["gaps"], counts["resets"]) == (0, 0)


def bad(ending: Ending) -> Draw:
    """Draw cuts for the first connections; silence for two, as each takes seconds to be found."""
    plans = iter(range(2 if ending == "stall" else 12))
    cut = cutting(20_000, ending)
    return lambda dice: cut(dice) if next(plans, None) is not None else Plan()


# -- good moments to try again


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def stop_the_clock(page: Page, url: str) -> None:
    """Open a page in which no timer ends from now on: what happens then needs none."""
    await page.clock.install(time=NOON)
    await open_page(page, url)
    await page.clock.pause_at(NOON + timedelta(hours=1))


@pytest.mark.parametrize(
    "moment", ["self.dispatchEvent(new Event('online'))", "document.dispatchEvent(new Event(V))"]
)
async def test_a_good_moment_is_used_at_once(
    browser: Browser, server: Server, api: Api, moment: str
) -> None:
    """Back online, or visible again, a stream does not sit out its wait."""
    session = await api.complete("count", n=3)
    async with Middlebox(server.port) as box, tab(browser) as page:
        await stop_the_clock(page, box.url)
        box.closed = True
        box.reset_all()
        follower = await begin(page, "record", session, {"transports": ["sse"]})
        await follower.reaches("stream.state.retryInMs > 0")
        box.closed = False
        await page.evaluate(f"V => {{ {moment} }}", "visibilitychange")
        await follower.expect_all(5)


@over_each
async def test_a_network_that_changed_is_not_trusted(
    browser: Browser, server: Server, api: Api, gate: Gate, transport: str
) -> None:
    """Back online, what cannot be asked whether it lives is replaced; a WebSocket is asked."""
    session = fresh()
    async with Middlebox(server.port) as box, tab(browser) as page:
        await stop_the_clock(page, box.url)
        follower = await begin(page, "record", session, {"transports": [transport]})
        await follower.reaches(LIVE)
        await api.start(session, "gated", gate=gate.path)
        await follower.reaches("events.length === 1")
        await page.evaluate("self.dispatchEvent(new Event('online'))")
        if transport != "websocket":
            await follower.reaches("reasons.includes('silent')")
            await page.clock.run_for(1000)  # the wait before it is taken up
        gate.let(1)
        gate.close()
        await follower.expect_all(3)
        assert await follower.get("stream.counts.cuts") == (transport != "websocket")

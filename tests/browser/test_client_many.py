"""Many sessions over one connection of the browser client, in a real browser."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, WebSocket

from tests.browser.chromium import needs_chromium, tab
from tests.browser.following import Follower, begin, call, open_page
from tests.browser.middlebox import Middlebox
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.patience import PATIENCE, eventually
from tests.system.processes import Server, StartServer

pytestmark = needs_chromium
TWELVE = 12  # twice as many as a browser opens connections
ALL_LIVE = "Object.values(kept.sessions).every(({ stream }) => stream.state.name === 'live')"
ALL_ENDED = ALL_LIVE.replace("live", "ended")


class Sockets:
    """The WebSockets that a page opened."""

    def __init__(self, page: Page) -> None:
        self.opened: list[WebSocket] = []
        page.on("websocket", self._note)

    def _note(self, socket: WebSocket) -> None:
        self.opened.append(socket)

    @property
    def open(self) -> int:
        """How many are open now."""
        return sum(not socket.is_closed() for socket in self.opened)


async def until_all(follower: Follower, condition: str) -> None:
    """Wait for a condition on all sessions."""

    async def met() -> bool:
        return bool(await follower.page.evaluate(condition))

    try:
        await eventually(met, condition, 2 * PATIENCE)
    except AssertionError as error:
        states = (
            "Object.values(kept.sessions).map((each) => [each.stream.state, each.offsets.at(-1)])"
        )
        error.add_note(json.dumps(await follower.page.evaluate(states)))
        raise


async def expect_all(follower: Follower, counts: dict[str, int]) -> None:
    """Wait for the end of all; in each every offset must have come once, in order."""
    await until_all(follower, ALL_ENDED)
    for session, count in counts.items():
        offsets = await follower.get(f"sessions[{json.dumps(session)}].offsets")
        assert offsets == list(range(1, count + 1)), session


async def test_twelve_runs_are_followed_over_one_socket(
    browser: Browser, server: Server, api: Api
) -> None:
    """A page follows more sessions than it has connections, whole, over a socket that is cut."""
    sessions = [fresh() for _ in range(TWELVE)]
    async with Middlebox(server.port) as box, tab(browser) as page:
        sockets = Sockets(page)
        follower = await call(page, box.url, "recordMany", sessions)
        await until_all(follower, ALL_LIVE)
        assert sockets.open == 1
        assert await follower.get("connection.sessions") == sessions
        for session in sessions:
            await api.start(session, "count", n=60, delay=0.05)
        for _ in range(2):
            last = sessions[-1]
            seen = await follower.get(f"sessions['{last}'].offsets.length")
            await follower.reaches(f"sessions['{last}'].offsets.length > {seen}")
            box.reset_all()
        await expect_all(follower, dict.fromkeys(sessions, 62))
        counts = await page.evaluate(
            "Object.values(kept.sessions).map(({ stream }) => stream.counts)"
        )
        assert counts[-1]["cuts"] == 2
        for each in counts:  # those that had ended before were cut less often
            assert (each["gaps"], each["doubles"], each["resets"]) == (0, 0, 0)
        transports = "Object.values(kept.sessions).flatMap(({ transports }) => transports)"
        assert set(await page.evaluate(transports)) == {"shared"}
        assert await follower.get("connection.sessions") == []
        await eventually(_none_open(sockets), "the socket is closed when nothing is followed")


def _none_open(sockets: Sockets) -> Any:
    async def none() -> bool:
        return sockets.open == 0

    return none


async def test_sessions_come_and_go_on_a_socket(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """A stream that is closed is unsubscribed, and may be followed again over the same socket."""
    stays, goes = fresh(), fresh()
    async with tab(browser) as page:
        sockets = Sockets(page)
        follower = await call(page, server.url, "recordMany", [stays, goes])
        await until_all(follower, ALL_LIVE)
        refused = await page.evaluate(
            "(id) => { try { kept.follow(id); return ''; }"
            " catch ({ message }) { return message; } }",
            goes,
        )
        assert "followed on this connection already" in refused
        await page.evaluate("(id) => kept.sessions[id].stream.close()", goes)

        async def left() -> bool:
            return bool((await api.session(goes))["subscribers"] == 0)

        await eventually(left, "the server knows that it is not followed any more")
        await api.start(goes, "gated", gate=gate.path)
        gate.let(3)
        assert await follower.get("connection.sessions") == [stays]
        await page.evaluate("(id) => { kept.follow(id); }", goes)
        await follower.reaches(f"sessions['{goes}'].offsets.length === 4")
        for _ in range(3):  # at once: what is on its way for the one is not for the other
            await page.evaluate(
                "(id) => { kept.sessions[id].stream.close(); kept.follow(id); }", goes
            )
        gate.close()
        await api.start(stays, "count", n=3)
        await expect_all(follower, {stays: 5, goes: 5})
        assert len(sockets.opened) == 1


async def test_commands_go_over_the_shared_socket(
    browser: Browser, server: Server, api: Api
) -> None:
    """Each stream cancels and answers its own session's run, and is refused in words."""
    asks, listens = fresh(), fresh()
    question = (await api.start(asks, "asks"))["id"]
    run = (await api.start(listens, "listens"))["id"]
    async with tab(browser) as page:
        posts: list[str] = []
        page.on("request", lambda request: posts.append(request.method))
        follower = await call(page, server.url, "recordMany", [asks, listens])
        await follower.reaches(
            f"sessions['{asks}'].events.some(({{ type }}) => type === 'input_request')"
        )
        await follower.reaches(
            f"sessions['{listens}'].events.some(({{ type }}) => type === 'alive')"
        )
        request = await page.evaluate(
            "(id) => kept.sessions[id].events.find(({ type }) => type === 'input_request')"
            ".data.request",
            asks,
        )
        answer = (
            "([id, ...given]) => kept.sessions[id].stream.input(...given)"
            ".then(() => '', ({ message }) => message)"
        )
        assert "integer" in await page.evaluate(answer, [asks, question, request, "many"])
        assert await page.evaluate(answer, [asks, question, request, 7]) == ""
        await page.evaluate("([id, run]) => kept.sessions[id].stream.cancel(run)", [listens, run])
        await until_all(follower, ALL_ENDED)
        assert "POST" not in posts
    assert (await api.run(question))["result"] == 7
    assert (await api.run(run))["state"] == "cancelled"


@pytest.mark.parametrize("upgrades", ["refuse", "swallow"])
async def test_without_websockets_all_are_polled(
    browser: Browser, server: Server, api: Api, upgrades: Any
) -> None:
    """Twelve sessions share the few connections of a browser, and leave some for the page."""
    sessions = [fresh() for _ in range(TWELVE)]
    async with Middlebox(server.port, upgrades) as box, tab(browser) as page:
        follower = await call(page, box.url, "recordMany", sessions)
        await until_all(follower, ALL_LIVE)
        found = await page.evaluate("fetch('/health/live').then(({ status }) => status)")
        assert found == 200
        for session in sessions:
            await api.start(session, "count", n=20)
        await expect_all(follower, dict.fromkeys(sessions, 22))
        assert box.upgrades == 1
        again = await begin(page, "recordMany", sessions[:2])
        await expect_all(again, dict.fromkeys(sessions[:2], 22))
        assert box.upgrades == 1, "it is remembered"


async def test_a_dead_socket_is_replaced_for_all(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """One that stays open and brings nothing is found out once, and all go on over another."""
    sessions = [fresh() for _ in range(3)]
    async with Middlebox(server.port) as box, tab(browser) as page:
        sockets = Sockets(page)
        follower = await call(page, box.url, "recordMany", sessions)
        await until_all(follower, ALL_LIVE)
        box.mute()
        for session in sessions:
            await api.start(session, "count", n=5)
        await expect_all(follower, dict.fromkeys(sessions, 7))
        assert len(sockets.opened) == 2
        reasons = "Object.values(kept.sessions).flatMap(({ reasons }) => reasons)"
        assert "silent" in await page.evaluate(reasons)


async def test_a_server_that_restarts_is_waited_for_by_all(
    browser: Browser, start_server: StartServer, tmp_path: Path
) -> None:
    """After its goodbye all streams go on with the next server, each from its cursor."""
    sessions = [fresh() for _ in range(TWELVE)]
    first = start_server(tmp_path / "data")
    async with Api(first.url) as api:
        for session in sessions:
            await api.start(session, "count", n=2)
        for session in sessions:
            await api.ended(session)
    async with tab(browser) as page:
        follower = await call(page, first.url, "recordMany", sessions, {"until": "forever"})
        await until_all(
            follower, "Object.values(kept.sessions).every(({ offsets }) => offsets.length === 4)"
        )
        first.terminate()
        await asyncio.to_thread(first.wait)
        second = start_server(tmp_path / "data", PORT=first.port)
        async with Api(second.url) as api:
            for session in sessions:
                await api.start(session, "count", n=2)
            await until_all(
                follower,
                "Object.values(kept.sessions).every(({ offsets }) => offsets.length === 8)",
            )
        reasons = "Object.values(kept.sessions).flatMap(({ reasons }) => reasons)"
        assert "restart" in await page.evaluate(reasons)
        await page.evaluate("kept.connection.close()")
        assert await follower.get("connection.sessions") == []


async def test_a_connection_that_is_rotated_costs_nothing(
    browser: Browser, start_server: StartServer, tmp_path: Path
) -> None:
    """A connection that is asked to come back does, with all its streams, and no other way."""
    server = start_server(tmp_path / "data", ROTATE_SECONDS=1, HEARTBEAT_SECONDS=0.5)
    sessions = [fresh() for _ in range(3)]
    async with Api(server.url) as api, tab(browser) as page:
        follower = await call(page, server.url, "recordMany", sessions)
        await until_all(follower, ALL_LIVE)
        for session in sessions:
            await api.start(session, "count", n=40, delay=0.1)
        await expect_all(follower, dict.fromkeys(sessions, 42))
        streams = "Object.values(kept.sessions)"
        assert "rotate" in await page.evaluate(f"{streams}.flatMap(({{ reasons }}) => reasons)")
        transports = await page.evaluate(f"{streams}.flatMap(({{ transports }}) => transports)")
        assert set(transports) == {"shared"}


async def test_a_session_that_cannot_be_followed_stops_alone(
    browser: Browser, server: Server, api: Api
) -> None:
    """A cursor that is none, or one into a session that is gone, ends that stream with words."""
    good, bad, gone = fresh(), fresh(), fresh()
    async with tab(browser) as page:
        follower = await call(page, server.url, "recordMany", [good])
        await page.evaluate(
            "([bad, gone]) => { kept.follow(bad, { after: 'garbage' });"
            " kept.follow(gone, { after: 'zzzz9999-2' }); }",
            [bad, gone],
        )
        for session, reason in ((bad, "bad_request"), (gone, "deleted")):
            await follower.reaches(f"sessions['{session}'].stream.state.name === 'stopped'")
            assert await follower.get(f"sessions['{session}'].stream.state.reason") == reason
        assert "garbage" in await follower.get(f"sessions['{bad}'].stream.state.text")
        await api.start(good, "count", n=3)
        await follower.reaches(f"sessions['{good}'].stream.state.name === 'ended'")
        assert await follower.get(f"sessions['{good}'].offsets.length") == 5


async def test_slow_loops_over_one_socket_are_bounded(
    browser: Browser, server: Server, api: Api
) -> None:
    """A loop that is slow is unsubscribed for a while; another one on the same socket is not."""
    slow, fast = fresh(), fresh()
    for session in (slow, fast):
        await api.ended(session, (await api.start(session, "count", n=200))["id"])
    async with tab(browser) as page:
        sockets = Sockets(page)
        await open_page(page, server.url)
        told = await page.evaluate(
            "async ([slow, fast]) => {"
            " const { connect } = await import('/static/keepstream.js');"
            " const connection = connect('/api/ws', { buffer: 10 });"
            " const take = async (session, ms) => {"
            "  const stream = connection.follow(session); const offsets = []; let most = 0;"
            "  for await (const { offset } of stream) {"
            "   offsets.push(offset); most = Math.max(most, stream.buffered);"
            "   if (ms && offset % 10 === 0) await new Promise((done) => setTimeout(done, ms)); }"
            "  return { offsets, most, counts: stream.counts }; };"
            " return Promise.all([take(slow, 20), take(fast, 0)]); }",
            [slow, fast],
        )
        assert len(sockets.opened) == 1
    for each in told:
        assert each["offsets"] == list(range(1, 203))
        assert each["most"] <= 10
        assert (each["counts"]["gaps"], each["counts"]["cuts"]) == (0, 0)

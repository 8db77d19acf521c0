"""The examples for the browser client run as they stand in the text."""

import asyncio
import shutil
from pathlib import Path

from playwright.async_api import Browser, Page, Route

from tests.browser.chromium import needs_chromium, tab
from tests.browser.following import NODE, ROOT, STATIC
from tests.browser.npm import REACT, REACT_DOM, needs_npm
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.processes import Server

EXAMPLES = ROOT / "docs/examples"
#: A page of one's own with React's files as they come from npm, and a name for them as a module.
REACT_PAGE = """<!doctype html>
<div id="root"></div>
<script src="/app/react.js"></script>
<script src="/app/react-dom.js"></script>
<script type="importmap">{"imports": {"react": "/app/react.mjs"}}</script>
<script type="module">
  import { Session } from "/app/example.js";
  const { createElement, StrictMode } = React;
  const root = ReactDOM.createRoot(document.querySelector("#root"));
  self.show = (url) =>
    root.render(createElement(StrictMode, null, url && createElement(Session, { url })));
  show(`/api/sessions/${new URLSearchParams(location.search).get("session")}`);
</script>
"""
REACT_MODULE = "export const { createElement, useEffect, useState } = self.React;"


async def lines(page: Page, selector: str) -> list[str]:
    """Return the lines that are shown there."""
    return [text.strip() for text in await page.locator(selector).all_text_contents()]


@needs_chromium
async def test_loop_of_the_text_shows_every_event(
    browser: Browser, server: Server, api: Api
) -> None:
    """The page's loop takes all of it, however slowly, and says when that was all."""
    session = fresh()
    async with tab(browser) as page:
        await page.route(
            "**/example.html*", lambda route: route.fulfill(path=EXAMPLES / "loop.html")
        )
        await page.goto(f"{server.url}/example.html?session={session}")
        await api.start(session, "count", n=20)
        await page.wait_for_function("document.querySelector('#end').textContent")
        shown = [f"{event['offset']} {event['type']}" for event in await api.events(session)]
        assert await lines(page, "#events li") == shown
        assert await page.text_content("#end") == "That was all."


@needs_chromium
async def test_many_sessions_of_the_text_are_shown(
    browser: Browser, server: Server, api: Api
) -> None:
    """A line for each session says how it ended, over one socket."""
    sessions = [fresh() for _ in range(8)]
    async with tab(browser) as page:
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        await page.route(
            "**/example.html*", lambda route: route.fulfill(path=EXAMPLES / "many.html")
        )
        query = "&".join(f"session={session}" for session in sessions)
        await page.goto(f"{server.url}/example.html?{query}")
        for session in sessions:
            await api.start(session, "count", n=5)
        await page.wait_for_function(
            "[...document.querySelectorAll('li')].filter("
            f"({{ textContent }}) => textContent.includes('Ended')).length === {len(sessions)}"
        )
        assert len(sockets) == 1


async def serve_react(page: Page) -> None:
    """Serve a page with the component of the text, and what was copied beside it."""

    async def answer(route: Route) -> None:
        name = route.request.url.partition("/app/")[2].partition("?")[0]
        files = {"example.js": EXAMPLES / "react.js", "react.js": REACT, "react-dom.js": REACT_DOM}
        if name == "react.mjs":
            await route.fulfill(body=REACT_MODULE, content_type="text/javascript")
        elif name.startswith("keepstream/"):
            path = STATIC / name.removeprefix("keepstream/")
            await route.fulfill(path=path, content_type="text/javascript")
        elif name in files:
            await route.fulfill(path=files[name], content_type="text/javascript")
        else:
            await route.fulfill(body=REACT_PAGE, content_type="text/html")

    await page.route("**/app/**", answer)


@needs_chromium
@needs_npm
async def test_react_component_of_the_text_follows(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """In StrictMode it opens one stream, shows every event once, cancels, and cleans up."""
    session, other = fresh(), fresh()
    async with tab(browser) as page:
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        await serve_react(page)
        await page.goto(f"{server.url}/app/?session={session}")
        await page.wait_for_function(
            "document.querySelector('[role=status]')?.textContent.includes('waiting for a run')"
        )
        assert len(sockets) == 1, "the stream of the effect that was undone reached nothing"
        await api.start(session, "gated", gate=gate.path)
        gate.let(30)
        await page.wait_for_function("document.querySelectorAll('li').length === 31")
        await page.get_by_role("button").click()
        await page.wait_for_function(
            "document.querySelector('[role=status]').textContent.startsWith('Ended')"
        )
        shown = [f"{event['offset']} {event['type']}" for event in await api.events(session)]
        assert await lines(page, "li") == shown
        assert await page.get_by_role("button").is_disabled()

        await page.evaluate(f"show('/api/sessions/{other}')")
        await page.wait_for_function("document.querySelectorAll('li').length === 0")
        await subscribers(api, other, 1)
        await page.evaluate("show(null)")
        await subscribers(api, other, 0)


async def subscribers(api: Api, session: str, count: int) -> None:
    """Wait until the session has so many readers."""
    async with asyncio.timeout(30):
        while (await api.call("GET", f"/api/sessions/{session}")).json.get("subscribers") != count:
            await asyncio.sleep(0.02)


async def test_script_of_the_text_follows_in_node(server: Server, api: Api, tmp_path: Path) -> None:
    """The client is copied as the text says, and a script beside it prints every event."""
    (tmp_path / "keepstream").mkdir()
    shutil.copy(STATIC / "keepstream.js", tmp_path / "keepstream")
    shutil.copytree(STATIC / "client", tmp_path / "keepstream" / "client")
    shutil.copy(EXAMPLES / "follow.mjs", tmp_path)
    session = fresh()
    url = f"{server.url}/api/sessions/{session}"
    ran = await asyncio.create_subprocess_exec(
        NODE, "follow.mjs", url, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    await api.start(session, "count", n=5)
    async with asyncio.timeout(60):
        out, _ = await ran.communicate()
    assert ran.returncode == 0
    events = await api.events(session)
    epoch = (await api.session(session))["epoch"]
    assert out.decode().splitlines() == [
        f"{event['offset']} {event['type']} {epoch}-{event['offset']}" for event in events
    ]

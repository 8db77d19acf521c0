"""The browser client in a page of a real browser, and what it told there."""

import asyncio
import json
from pathlib import Path
from typing import Any

import playwright
from playwright.async_api import Browser, Page, Route

from tests.browser.chromium import tab
from tests.system.api import Api
from tests.system.patience import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "server" / "web" / "static"
RULES = Path(__file__).parent / "js"
SCRIPTS = Path(__file__).parent / "node"
#: The Node that comes with Playwright.
NODE = Path(playwright.__file__).parent / "driver" / "node"
#: The ways that a stream of its own has, in the order of preference.
TRANSPORTS = ["websocket", "sse", "poll"]
LIVE = "stream.state.name === 'live'"
#: All that a test would want to know.
ALL = (
    "JSON.stringify({...kept, state: kept.stream?.state, counts: kept.stream?.counts},"
    " (name, value) => name === 'events' ? undefined : value)"
)
#: A page of the real server, with its Content-Security-Policy, that follows nothing by itself.
PLAIN = "/health/live"


class Follower:
    """What a function of ``record.js`` keeps in the page, under the name ``kept``."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def get(self, path: str) -> Any:
        """Return what is kept under that name."""
        return await self.page.evaluate(f"kept.{path}")

    async def reaches(self, condition: str, patience: float = PATIENCE) -> None:
        """Wait until the condition on `kept` holds; say what is there where it does not."""

        async def met() -> bool:
            return bool(await self.page.evaluate(f"kept.{condition}"))

        try:
            await eventually(met, condition, patience)
        except AssertionError as error:
            error.add_note(await self.page.evaluate(ALL))
            raise

    async def do(self, action: str) -> Any:
        """Call a method of the stream."""
        return await self.page.evaluate(f"kept.stream.{action}")

    async def expect_all(self, count: int, patience: float = PATIENCE) -> None:
        """Wait for the end; every offset must have come once, in order."""
        await self.reaches("stream.state.name === 'ended'", patience)
        assert await self.get("offsets") == list(range(1, count + 1))


async def follow(page: Page, url: str, session: str, **options: object) -> Follower:
    """Follow a session from a page of that server, with callbacks."""
    return await call(page, url, "record", session, options)


async def call(page: Page, url: str, function: str, *given: object) -> Follower:
    """Call a function of ``record.js`` in a page of that server; what it returns is ``kept``."""
    await open_page(page, url)
    return await begin(page, function, *given)


async def open_page(page: Page, url: str) -> None:
    """Open a page of that server, with the client and ``record.js`` loaded into it."""
    await page.route("**/js/record.js", _record)
    await page.goto(f"{url}{PLAIN}")
    await page.evaluate("import('/js/record.js').then((record) => { Object.assign(self, record) })")


async def in_a_page(browser: Browser, url: str, session: str, body: str) -> Any:
    """Return what `body` returns, a function's in a page of that server; it has `follow`."""
    async with tab(browser) as page:
        await open_page(page, url)
        return await page.evaluate(
            "async (session) => { const { follow } = await import('/static/keepstream.js');"
            f" {body} }}",
            session,
        )


async def begin(page: Page, function: str, *given: object) -> Follower:
    """Call a function of ``record.js`` in a page that was opened."""
    await page.evaluate(
        "([name, given]) => { self.kept = self[name](...given) }", [function, given]
    )
    return Follower(page)


async def grown(api: Api, session: str, last: int) -> None:
    """Wait until the session's log has an event of that offset."""

    async def there() -> bool:
        return bool((await api.session(session))["last"] >= last)

    await eventually(there, f"event {last} of {session}")


async def _record(route: Route) -> None:
    await route.fulfill(path=RULES / "record.js", content_type="text/javascript")


async def node(script: str, *arguments: object) -> Any:
    """Run a script of ``tests/browser/node`` in Node; return what it printed last, decoded."""
    ran = await asyncio.create_subprocess_exec(
        NODE,
        SCRIPTS / script,
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(2 * PATIENCE):
            out, errors = await ran.communicate()
    finally:
        if ran.returncode is None:
            ran.kill()
            await ran.wait()
    assert ran.returncode == 0, errors.decode()
    return json.loads(out.splitlines()[-1])

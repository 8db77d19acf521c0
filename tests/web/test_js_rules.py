"""The pure parts of the page and of the browser client: their rules, each alone, in a browser."""

from pathlib import Path

import pytest
from playwright.async_api import Route

from tests.web.chromium import chromium, needs_chromium, tab

pytestmark = needs_chromium
RULES = Path(__file__).parent / "js"
STATIC = Path(__file__).parents[2] / "server" / "web" / "static"
FOLDERS = {"static": STATIC, "js": RULES}


async def from_disk(route: Route) -> None:
    """Serve `/static/…` and `/js/…` from the source, and an empty page at every other address."""
    folder, _, name = route.request.url.removeprefix("http://rules.test/").partition("/")
    path = FOLDERS.get(folder, Path("/nowhere")) / name
    if name and path.exists():
        await route.fulfill(path=path, content_type="text/javascript")
    else:
        await route.fulfill(body="<!doctype html>", content_type="text/html")


@pytest.mark.parametrize("file", sorted(path.name for path in RULES.glob("*.test.js")))
async def test_rules_of_the_pure_parts_hold(file: str) -> None:
    """Every rule in the file holds in a real browser, without a server."""
    async with chromium() as browser, tab(browser) as page:
        await page.route("http://rules.test/**", from_disk)
        await page.goto("http://rules.test/")
        told = await page.evaluate(
            "async (file) => { await import(`/js/${file}`);"
            " return (await import('/js/harness.js')).run(); }",
            file,
        )
    assert told["broken"] == []
    assert told["kept"] > 0

"""The pure parts of the page and of the browser client: their rules, each alone."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Route

from tests.browser.chromium import needs_chromium, tab
from tests.browser.following import NODE, STATIC, node

RULES = Path(__file__).parent / "js"
FILES = sorted(path.name for path in RULES.glob("*.test.js"))
#: What imports something from these folders is about the client, which needs no browser.
ANYWHERE = [name for name in FILES if '"/static/client/' in (RULES / name).read_text()]
FOLDERS = {"static": STATIC, "js": RULES}


async def from_disk(route: Route) -> None:
    """Serve `/static/…` and `/js/…` from the source, and an empty page at every other address."""
    folder, _, name = route.request.url.removeprefix("http://rules.test/").partition("/")
    path = FOLDERS.get(folder, Path("/nowhere")) / name
    if name and path.exists():
        await route.fulfill(path=path, content_type="text/javascript")
    else:
        await route.fulfill(body="<!doctype html>", content_type="text/html")


@needs_chromium
@pytest.mark.parametrize("file", FILES)
async def test_rules_of_the_pure_parts_hold(browser: Browser, file: str) -> None:
    """Every rule in the file holds in a real browser, without a server."""
    async with tab(browser) as page:
        await page.route("http://rules.test/**", from_disk)
        await page.goto("http://rules.test/")
        told = await page.evaluate(
            "async (file) => { await import(`/js/${file}`);"
            " return (await import('/js/harness.js')).run(); }",
            file,
        )
    assert told["broken"] == []
    assert told["kept"] > 0


@pytest.mark.parametrize("file", ANYWHERE)
async def test_rules_of_the_client_hold_in_node(file: str) -> None:
    """The client's pure parts need nothing that only a browser has."""
    told = await node("rules.mjs", RULES / file, STATIC)
    assert told["broken"] == []
    assert told["kept"] > 0


def test_there_is_a_node() -> None:
    """The Node that drives the browser is there to run the client in, too."""
    assert NODE.exists()

"""axe-core finds nothing: each scene of the page in light, in dark, and on a phone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import needs_chromium, tab
from tests.browser.npm import MODULES, needs_npm
from tests.browser.using import COMPLETE, events, visit, words
from tests.system.api import Api, fresh
from tests.system.processes import Server

pytestmark = [needs_chromium, needs_npm]

AXE = MODULES / "axe-core" / "axe.min.js"
RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target} ${failureSummary}`));
}"""
SIZES: dict[str, Any] = {
    "light": {"width": 1280, "height": 900},
    "dark": {"width": 1280, "height": 900},
    "phone": {"width": 360, "height": 780},
}
looks = pytest.mark.parametrize("look", ["light", "dark", "phone"])


@asynccontextmanager
async def dressed(browser: Browser, look: str) -> AsyncIterator[Page]:
    """A page in that theme and size."""
    scheme: Literal["light", "dark"] = "dark" if look == "dark" else "light"
    async with (
        await browser.new_context(color_scheme=scheme, reduced_motion="reduce") as context,
        tab(browser, context) as page,
    ):
        yield page


async def expect_clean(page: Page, look: str) -> None:
    """No rule of axe-core's is broken, best practice included."""
    await page.set_viewport_size(SIZES[look])
    await page.evaluate(Path(AXE).read_text())
    assert await page.evaluate(RUN) == []
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{wide} pixels to scroll sideways"


@looks
async def test_the_first_page(browser: Browser, server: Server, look: str) -> None:
    """The list of sessions beside the form that starts a run."""
    async with dressed(browser, look) as page:
        await visit(page, server.url)
        await expect(page.locator("start-form input[type=radio]").first).to_be_attached()
        await expect_clean(page, look)


@looks
async def test_a_run_that_has_ended(browser: Browser, server: Server, api: Api, look: str) -> None:
    """Agents, tools, texts; then unfolded, with an exact event, and the timeline as a table."""
    session = await api.complete("agents")
    async with dressed(browser, look) as page:
        await visit(page, server.url, f"?session={session}")
        await expect(words(page)).to_have_text(COMPLETE)
        await expect_clean(page, look)
        await page.get_by_role("button", name="Connection").click()
        await page.locator("event-view article .raw-button").nth(1).click(force=True)
        await page.locator("event-view article .fold").first.click()
        await page.locator("run-timeline").get_by_role("button", name="Table").click()
        await expect_clean(page, look)


@looks
async def test_a_question_and_a_run_that_goes_on(
    browser: Browser, server: Server, api: Api, look: str
) -> None:
    """A pending question above a live timeline."""
    session = fresh()
    await api.start(session, "asks")
    async with dressed(browser, look) as page:
        await visit(page, server.url, f"?session={session}")
        await expect(page.locator("run-questions")).to_contain_text("Waiting for an answer")
        await expect_clean(page, look)


@looks
async def test_the_dialogs(browser: Browser, server: Server, api: Api, look: str) -> None:
    """Start, diagnosis and keys, each over a session whose run failed."""
    session = await api.complete("raises")
    async with dressed(browser, look) as page:
        await visit(page, server.url, f"?session={session}")
        await expect(events(page, "error")).to_have_count(1)
        await expect_clean(page, look)
        for key, name in (("n", "Start a run"), ("w", "Why do I see nothing?"), ("?", "Keyboard")):
            await page.keyboard.press(key)
            dialog = page.get_by_role("dialog", name=name)
            await expect(dialog).to_be_visible()
            await expect(dialog).not_to_have_attribute("aria-busy", "true")
            await expect_clean(page, look)
            await dialog.get_by_role("button", name="Close").click()


@looks
async def test_a_report(browser: Browser, server: Server, api: Api, look: str) -> None:
    """Chart, figures and code of a strategy."""
    session = await api.complete("strategy", symbols=["IBM"], rounds=1, pace=0)
    async with dressed(browser, look) as page:
        await visit(page, server.url, f"?session={session}&view=report")
        await expect(page.locator("strategy-report table").first).to_be_visible()
        await expect_clean(page, look)

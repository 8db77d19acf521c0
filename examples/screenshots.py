"""Pictures of the page for the guide: a real server, real runs, Debian's Chromium.

``make screenshots`` writes them into ``docs/screenshots``. The runs are the demo's, and one of the
guide's examples that asks a question.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from examples.demo import INPUT, WORKFLOW, a_server

CHROMIUM = "/usr/bin/chromium-headless-shell"
TO = Path(__file__).parents[1] / "docs" / "screenshots"
DESKTOP: ViewportSize = {"width": 1360, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 180_000
Scheme = Literal["light", "dark"]


async def main() -> None:
    """Take them all."""
    os.environ["WORKFLOWS"] = "workflows,docs.examples"
    TO.mkdir(exist_ok=True)
    expect.set_options(timeout=PATIENCE_MS)
    async with a_server() as address, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        await _start(address, "greeting", "greet", {"name": "Ada"})
        await _start(address, "payment", "approval", {"amount": 120})
        await _start(address, "demo", WORKFLOW, INPUT)
        async with _page(browser, DESKTOP, "light") as page:
            await page.goto(f"{address}/?session=demo")
            await expect(page.locator("run-timeline")).to_contain_text("Critic")
            await expect(page.locator("run-head")).to_contain_text("round 2")
            await page.wait_for_timeout(2000)  # so that round 2 has a bar
            await _take(page, "run-light")
            await expect(page.locator("run-head")).to_contain_text("Complete")
        async with _page(browser, DESKTOP, "dark") as page:
            await page.goto(f"{address}/?session=demo&view=report")
            await expect(page.locator("strategy-report svg").first).to_be_visible()
            await _take(page, "report-dark")
            await page.goto(f"{address}/?session=payment")
            await page.get_by_role("button", name="Connection").click()
            await expect(page.locator("run-questions")).to_contain_text("Pay?")
            await _take(page, "question-dark")
        async with _page(browser, DESKTOP, "light") as page:
            await page.goto(f"{address}/")
            await page.locator(f"start-form label:has(input[value={WORKFLOW}])").click()
            await _take(page, "start-light")
        async with _page(browser, PHONE, "light") as page:
            await page.goto(f"{address}/?session=demo")
            await expect(page.locator("run-head")).to_contain_text("Complete")
            await _take(page, "run-phone")
        await browser.close()


async def _start(address: str, session: str, workflow: str, given: dict[str, Any]) -> None:
    url = f"{address}/api/sessions/{session}/runs"
    body = {"workflow": workflow, "input": given}
    async with aiohttp.ClientSession() as client, client.post(url, json=body) as answer:
        if answer.status != 202:
            raise SystemExit(await answer.text())


@asynccontextmanager
async def _page(browser: Browser, size: ViewportSize, scheme: Scheme) -> AsyncIterator[Page]:
    async with await browser.new_context(viewport=size, color_scheme=scheme) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield await context.new_page()


async def _take(page: Page, name: str) -> None:
    await page.wait_for_timeout(700)  # the list of sessions, a growing text, the fonts
    await page.screenshot(path=TO / f"{name}.png")
    print(f"docs/screenshots/{name}.png")


if __name__ == "__main__":
    asyncio.run(main())

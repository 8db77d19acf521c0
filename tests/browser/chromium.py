"""A real browser for tests: Debian's Chromium, and a page of it that reports its own faults."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.system.patience import PATIENCE

#: The engine without windows, tabs and menus, which nobody sees here.
PATH = Path("/usr/bin/chromium-headless-shell")
PROGRAM = Path(__file__).with_name("chromium.sh")
needs_chromium = pytest.mark.skipif(not PATH.exists(), reason=f"needs {PATH}")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that a test makes up, at the server's address, may open WebSockets to it as a real one.
    "--disable-features=LocalNetworkAccessChecks",
]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser, and what drives it; both end with the block."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def tab(browser: Browser, context: BrowserContext | None = None) -> AsyncIterator[Page]:
    """Open a page, in a profile of its own unless `context` is given.

    It must throw no error that nobody catches, and break no rule of the Content-Security-Policy.
    """
    own = context is None
    context = context or await browser.new_context()
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    faults: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        yield page
    finally:
        await page.close()
        if own:
            await context.close()
    assert not faults, faults

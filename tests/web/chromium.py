"""A real browser for tests: Debian's Chromium, and a page of it that reports its own faults."""

import asyncio
import atexit
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import playwright
import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.system.patience import PATIENCE

PATH = Path("/usr/bin/chromium")
#: Of Playwright, with the Node that it brings.
DRIVER = Path(playwright.__file__).parent / "driver"
needs_chromium = pytest.mark.skipif(not PATH.exists(), reason=f"needs chromium at {PATH}")
ARGUMENTS = [
    "--headless=new",
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


class Chromium:
    """The browser that the tests of this process share: each has profiles of its own in it.

    To start one for each test would be a second of a core's time, several hundred times.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._address = ""

    def address(self) -> str:
        """Where it listens; started by who asks first."""
        if self._process is None:
            atexit.register(self.close)  # for who uses it outside of this folder's tests
            options = {"executablePath": str(PATH), "args": ARGUMENTS, "port": 0}
            with NamedTemporaryFile("w", suffix=".json") as config:
                json.dump(options, config)
                config.flush()
                program = [str(DRIVER / "node"), str(DRIVER / "package" / "cli.js")]
                if os.geteuid() == 0:  # with root's rights it would go before all other tests
                    program = ["setpriv", "--bounding-set=-sys_nice", *program]
                self._process = subprocess.Popen(
                    [*program, "launch-server", "--browser", "chromium", "--config", config.name],
                    stdout=subprocess.PIPE,
                    text=True,
                )
                assert self._process.stdout is not None
                self._address = self._process.stdout.readline().strip()
        return self._address

    def close(self) -> None:
        """End it, if it was started."""
        if self._process is not None:
            with self._process as process:
                process.terminate()
            self._process = None


SHARED = Chromium()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Connect to the browser; what was opened in it ends with the block."""
    address = await asyncio.to_thread(SHARED.address)
    async with async_playwright() as driver:
        browser = await driver.chromium.connect(address)
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

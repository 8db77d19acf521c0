"""One browser for the tests of a process, and one event loop: what drives it lives in a loop.

To start both for each test would be seconds of a core's time, several hundred times.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.system.api import Api
from tests.system.processes import Server

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have all tests of this folder run in the session's loop."""
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_browser() -> AsyncIterator[Browser]:
    """The browser that the tests of this process share."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browser(running_browser: Browser) -> AsyncIterator[Browser]:
    """The browser, empty."""
    yield running_browser
    for context in running_browser.contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def api(server: Server) -> AsyncIterator[Api]:
    """Yield a client of the shared server."""
    async with Api(server.url) as client:
        yield client

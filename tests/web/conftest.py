"""One browser for the tests of a process."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.web.chromium import SHARED, chromium


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The browser, empty."""
    async with chromium() as running:
        yield running


def pytest_sessionfinish() -> None:
    """End it with the last test."""
    SHARED.close()

"""The page as a person uses it: what there is to press, and what can be read."""

import re
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.system.api import Api
from tests.system.patience import PATIENCE, eventually

expect.set_options(timeout=PATIENCE * 1000)
#: Tall enough for a dozen events.
SIZE: Any = {"width": 1280, "height": 1300}
COMPLETE = "Ended: complete, nothing is missing"


async def visit(page: Page, url: str, query: str = "") -> None:
    """Open the page in a tall window."""
    await page.set_viewport_size(SIZE)
    await page.goto(f"{url}/{query}")


async def start(page: Page, workflow: str, **given: object) -> str:
    """Start a run by the form, its fields filled by their names; return the session's id."""
    before = page.url
    form = page.locator("start-form")
    await choose(page, workflow)
    for name, value in given.items():
        await field(page, name).fill(str(value))
    await form.get_by_role("button", name="Start").click()
    await page.wait_for_url(lambda url: url != before and "session=" in url)
    return page.url.partition("session=")[2].partition("&")[0]


async def choose(page: Page, workflow: str) -> None:
    """Choose a workflow in the form."""
    await page.locator(f"start-form label:has(input[value={workflow}])").click()


def field(page: Page, name: str) -> Locator:
    """An input of the start form, by the name that stands at it."""
    return page.locator("start-form .start-input").get_by_label(re.compile(f"^{name}"))


def words(page: Page) -> Locator:
    """The words that say how the connection is."""
    return page.locator("connection-panel .words")


def events(page: Page, type_: str) -> Locator:
    """The rows of that type that are in sight."""
    return page.locator(f"event-view article[data-type={type_}]")


def menu(page: Page) -> Locator:
    """What unfolds the connection."""
    return page.get_by_role("button", name="Connection")


async def cut(page: Page) -> None:
    """Cut the connection by its button."""
    button = page.get_by_role("button", name="Cut the connection")
    if not await button.is_visible():
        await menu(page).click()
    await button.click()


async def counts(page: Page) -> dict[str, int]:
    """What the page's stream has counted; there is no other way to it than the panel."""
    await page.locator("connection-panel").evaluate("panel => (panel.open = true)")
    told: dict[str, int] = await page.locator("connection-panel [data-figure]").evaluate_all(
        "all => Object.fromEntries("
        "all.map((each) => [each.dataset.figure, Number(each.textContent.replaceAll(',', ''))]))"
    )
    return told


async def shown(page: Page) -> list[int]:
    """The offsets that are in sight, in the page's order; a row of joined events stands for all."""
    spans = await page.locator("event-view article[data-offset]").evaluate_all(
        "rows => rows.map(({ dataset }) => [Number(dataset.offset), Number(dataset.last)])"
    )
    return [offset for first, last in spans for offset in range(first, last + 1)]


async def expect_whole(page: Page, api: Api, session: str) -> None:
    """Wait for the end; the page must show the log's events, each once. For a short log."""
    await expect(words(page)).to_have_text(COMPLETE)
    history = [event["offset"] for event in await api.events(session)]

    async def drawn() -> bool:
        return await shown(page) == history

    await eventually(drawn, "every event of the log on the page, in order, once")

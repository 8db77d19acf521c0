"""The list of sessions, in a real browser and against a real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.chromium import needs_chromium, tab
from tests.browser.mounting import mount
from tests.system.api import Api
from tests.system.patience import PATIENCE, eventually
from tests.system.processes import Server, StartServer

pytestmark = needs_chromium
expect.set_options(timeout=PATIENCE * 1000)

MODULE = "/static/page/sessions/session-list.js"


@pytest.fixture
def own(start_server: StartServer) -> Server:
    """Start a server whose sessions are this test's alone."""
    return start_server()


@pytest_asyncio.fixture(loop_scope="session")
async def client(own: Server) -> AsyncIterator[Api]:
    """Yield a client of that server."""
    async with Api(own.url) as made:
        yield made


async def show(page: Page, server: Server, *, height: int = 600) -> None:
    """Show the list alone, in a window of that height."""
    await page.set_viewport_size({"width": 320, "height": height})
    await mount(page, server.url, "session-list", MODULE)
    await page.evaluate(
        "() => { const sheet = new CSSStyleSheet();"
        " sheet.replaceSync('main { height: 100vh }');"
        " document.adoptedStyleSheets = [sheet]; }"
    )


def row(page: Page, session: str) -> Locator:
    """Return the row of that session."""
    return page.locator(f'.session-row[data-session="{session}"]')


async def listed(page: Page) -> list[str]:
    """Return the ids in the list, in its order."""
    found = page.locator(".session-row")
    return list(await found.evaluate_all("rows => rows.map(({ dataset }) => dataset.session)"))


async def create(api: Api, *names: str, **labels: str) -> None:
    """Create sessions, the last one newest."""
    for name in names:
        answer = await api.call("POST", "/api/sessions", {"id": name, "labels": labels})
        assert answer.status == 201, answer.body


async def fired(page: Page, name: str) -> list[str]:
    """Return the sessions of what was fired under that name."""
    return list(
        await page.evaluate(
            "(name) => fired.filter((told) => told.name === name).map(({ session }) => session)",
            name,
        )
    )


async def test_a_session_is_followed_through_its_life(
    browser: Browser, own: Server, client: Api
) -> None:
    """Its row says whether it waits, runs or has ended and how, and of which workflow."""
    async with tab(browser) as page:
        await show(page, own)
        await expect(page.locator(".session-nothing")).to_have_text("No session yet: start a run.")
        await create(client, "one")
        await expect(row(page, "one")).to_contain_text("waiting")
        node = await row(page, "one").element_handle()
        run = await client.start("one", "listens")
        await expect(row(page, "one").locator(".session-state")).to_have_text("running")
        await expect(row(page, "one").locator(".session-workflow")).to_have_text("listens")
        await client.call("POST", f"/api/runs/{run['id']}/cancel")
        await expect(row(page, "one").locator(".session-state")).to_have_text("cancelled")
        last = (await client.session("one"))["last"]
        await expect(row(page, "one")).to_contain_text(f"{last} events")
        assert node is not None
        assert await node.evaluate("node => node.isConnected"), "the row was made anew"


async def test_readers_are_counted(browser: Browser, own: Server, client: Api) -> None:
    """A subscriber of the session is seen in its row."""
    await create(client, "read")
    async with tab(browser) as page:
        await show(page, own)
        poll = asyncio.create_task(client.call("GET", "/api/sessions/read/events?wait=10"))
        await expect(row(page, "read")).to_contain_text("1 reader")
        poll.cancel()


async def test_a_click_and_the_keyboard_open_a_session(
    browser: Browser, own: Server, client: Api
) -> None:
    """Arrows go from row to row, Enter opens; the open one is marked, and is a link."""
    await create(client, "a", "b", "c")
    async with tab(browser) as page:
        await show(page, own)
        await row(page, "b").locator("a").click()
        await eventually(lambda: fired(page, "open"), "an open")
        await page.evaluate("part.current = 'b'")
        await expect(page.locator("[aria-current=true]")).to_have_count(1)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Home")
        await page.keyboard.press("Enter")
        assert await fired(page, "open") == ["b", "a", "c"]
        await expect(row(page, "b").locator("a")).to_have_attribute("href", "?session=b")
        await page.get_by_role("button", name="New run").click()
        assert await page.evaluate("fired.at(-1).name") == "new"


async def test_one_row_alone_is_in_the_tab_order(
    browser: Browser, own: Server, client: Api
) -> None:
    """The tab key comes to the list once, where the reader was last."""
    await create(client, "a", "b", "c")
    async with tab(browser) as page:
        await show(page, own)
        await row(page, "b").locator("a").focus()
        inside = await page.locator(".session-link").evaluate_all(
            "links => links.filter(({ tabIndex }) => tabIndex === 0).map((a) => a.textContent)"
        )
        assert len(inside) == 1
        assert inside[0].startswith("b")


async def test_pages_follow_and_new_ones_come_on_top(
    browser: Browser, own: Server, client: Api
) -> None:
    """More is loaded by the cursor, without holes or doubles, also when sessions came meanwhile."""
    names = [f"s{number:03}" for number in range(120)]
    await create(client, *names)
    async with tab(browser) as page:
        await show(page, own)
        await expect(page.locator(".session-row")).to_have_count(50)
        await create(client, "newer")
        await expect(row(page, "newer")).to_have_count(1)
        await page.get_by_role("button", name="Load more").click()
        await expect(page.locator(".session-row")).to_have_count(101)
        await page.get_by_role("button", name="Load more").click()
        await expect(page.locator(".session-row")).to_have_count(121)
        assert await listed(page) == ["newer", *reversed(names)]
        await expect(page.get_by_role("button", name="Load more")).to_be_hidden()


async def test_nothing_moves_under_the_pointer(browser: Browser, own: Server, client: Api) -> None:
    """While the reader points at the list, new ones wait behind a bar, and gone ones stay."""
    await create(client, "a", "b", "c")
    async with tab(browser) as page:
        await show(page, own)
        await row(page, "b").hover()
        await create(client, "d", "e")
        await client.call("DELETE", "/api/sessions/a")
        await expect(page.get_by_role("button", name="2 new")).to_be_visible()
        await expect(row(page, "a")).to_have_class("session-row gone")
        assert await listed(page) == ["c", "b", "a"]
        await page.get_by_role("button", name="2 new").click()
        await expect(page.locator(".session-row")).to_have_count(4)
        assert await listed(page) == ["e", "d", "c", "b"]


async def test_the_focus_stays_on_its_row(browser: Browser, own: Server, client: Api) -> None:
    """What changes in the list takes the focus from nothing."""
    await create(client, "a", "b")
    async with tab(browser) as page:
        await show(page, own)
        await row(page, "a").locator("a").focus()
        await client.start("a", "silent")
        await expect(row(page, "a").locator(".session-state")).to_have_text("complete")
        await expect(row(page, "a").locator("a")).to_be_focused()


async def test_a_search_finds_by_id_workflow_and_label(
    browser: Browser, own: Server, client: Api
) -> None:
    """What is loaded is filtered as it is typed."""
    await create(client, "alpha", team="Blue")
    await create(client, "beta")
    await client.start("gamma", "count", n=1)
    async with tab(browser) as page:
        await show(page, own)
        search = page.get_by_label("Find a session")
        for text, found in (("LPH", "alpha"), ("team=bl", "alpha"), ("coun", "gamma")):
            await search.fill(text)
            await expect(page.locator(".session-row")).to_have_count(1)
            await expect(row(page, found)).to_be_visible()
        await search.press("Enter")
        assert await fired(page, "open") == ["gamma"]


async def test_any_id_can_be_followed(browser: Browser, own: Server, client: Api) -> None:
    """An id that is not in the list is offered, also one that nobody has used yet."""
    await create(client, "there", *(f"s{number:03}" for number in range(60)))
    async with tab(browser) as page:
        await show(page, own)
        search = page.get_by_label("Find a session")
        offer = page.get_by_role("button", name="Follow")
        await search.fill("there")
        await expect(offer).to_contain_text("waiting, 0 events")
        await search.fill("not-yet")
        await expect(offer).to_contain_text("does not exist yet")
        await offer.click()
        await search.fill("no id at all")
        await expect(offer).to_be_hidden()
        assert await fired(page, "open") == ["not-yet"]
        assert (await client.call("GET", "/api/sessions/not-yet")).status == 404


async def test_states_are_filtered_by_the_server(
    browser: Browser, own: Server, client: Api
) -> None:
    """Those in one state are asked for, so that old ones are found without loading all."""
    await create(client, "waits", *(f"s{number:03}" for number in range(60)))
    await client.start("runs", "listens")
    await client.start("waits", "silent")
    await client.ended("waits")
    async with tab(browser) as page:
        await show(page, own)
        for state, found in (("closed", "waits"), ("running", "runs")):
            await page.get_by_label("Show sessions").select_option(state)
            await expect(page.locator(".session-row")).to_have_count(1)
            await expect(row(page, found)).to_be_visible()


async def open_menu(page: Page, session: str) -> None:
    """Open the menu of a row."""
    await row(page, session).hover()
    await row(page, session).get_by_role("button").click()


async def test_a_closed_session_is_deleted_after_a_question(
    browser: Browser, own: Server, client: Api
) -> None:
    """Its menu asks first; afterwards it is gone, here and on the server."""
    await client.start("old", "silent")
    await client.ended("old")
    async with tab(browser) as page:
        await show(page, own)
        await open_menu(page, "old")
        await page.get_by_role("menuitem", name="Delete…").click()
        await page.get_by_role("button", name="Keep").click()
        assert (await client.call("GET", "/api/sessions/old")).status == 200
        await open_menu(page, "old")
        await page.get_by_role("menuitem", name="Delete…").click()
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(row(page, "old")).to_have_count(0)
        assert (await client.call("GET", "/api/sessions/old")).status == 404
        assert await fired(page, "deleted") == ["old"]


async def test_a_refused_deletion_is_said(browser: Browser, own: Server, client: Api) -> None:
    """A run that began meanwhile keeps its session, and the server's words are shown."""
    await create(client, "busy")
    async with tab(browser) as page:
        await show(page, own)
        await open_menu(page, "busy")
        await page.get_by_role("menuitem", name="Delete…").click()
        run = await client.start("busy", "listens")
        await page.get_by_role("button", name="Delete", exact=True).click()
        await expect(page.get_by_role("alert")).not_to_be_empty()
        await expect(row(page, "busy")).to_have_count(1)
        await page.keyboard.press("Escape")
        await client.call("POST", f"/api/runs/{run['id']}/cancel")


async def test_a_server_that_does_not_answer_is_waited_for(
    browser: Browser, own: Server, client: Api
) -> None:
    """The list says so, keeps what it has, and goes on by itself."""
    await create(client, "a")
    async with tab(browser) as page:
        await show(page, own)
        await expect(row(page, "a")).to_be_visible()
        away = True

        async def lose(route: Route) -> None:
            await (route.abort() if away else route.continue_())

        await page.route("**/api/sessions?*", lose)
        trouble = page.locator(".session-trouble")
        await expect(trouble).to_contain_text("does not answer")
        await expect(trouble).to_contain_text("Trying again in 8 s")
        await expect(row(page, "a")).to_be_visible()
        await create(client, "b")
        away = False
        await page.evaluate("part.look()")
        await expect(row(page, "b")).to_be_visible()
        await expect(trouble).to_be_empty()


async def test_a_hidden_page_asks_nothing(browser: Browser, own: Server, client: Api) -> None:
    """The list is asked for again when somebody looks, and not before."""
    async with tab(browser) as page:
        await show(page, own)
        await expect(page.locator(".session-nothing")).to_contain_text("No session")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.evaluate(
            "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        await create(client, "meanwhile")
        await asyncio.sleep(3)
        assert len(asked) <= 1, asked  # one may have been on its way
        await page.evaluate(
            "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
        )
        await expect(row(page, "meanwhile")).to_be_visible()

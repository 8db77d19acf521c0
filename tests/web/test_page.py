"""The page in a real browser, used as a person uses it, on good and on bad connections."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.patience import PATIENCE, eventually
from tests.system.processes import Server
from tests.web.chromium import chromium, needs_chromium, tab
from tests.web.middlebox import Middlebox

pytestmark = needs_chromium
expect.set_options(timeout=PATIENCE * 1000)

HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "</textarea><svg onload=\"document.title='owned'\">",
    "javascript:document.title='owned'",
    "{{constructor.constructor('document.title=1')()}}",
    "\u202eright to left\u202c and \u2028 a line separator",
    "&lt;b&gt; stays as it is &amp; so does this",
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start a browser for one test."""
    async with chromium() as running:
        yield running


async def start(page: Page, workflow: str, **given: object) -> str:
    """Start a run by the page's form; return the session's id from the address."""
    await page.locator(f"start-form input[value={workflow}]").check()
    await page.locator("textarea").fill(json.dumps(given))
    await page.get_by_role("button", name="Start the run").click()
    await page.wait_for_url("**/?session=*")
    return page.url.partition("session=")[2]


def words(page: Page) -> Any:
    """Return the line that says how the connection is."""
    return page.get_by_role("status")


async def shown(page: Page) -> list[int]:
    """Return the offsets on the page, in its order; a line of joined events stands for all."""
    spans = await page.locator("event-log .event").evaluate_all(
        "lines => lines.map(({ dataset }) => [Number(dataset.offset), Number(dataset.last)])"
    )
    return [offset for first, last in spans for offset in range(first, last + 1)]


async def figure(page: Page, name: str) -> str:
    """Return one of the figures beside the state."""
    return await page.locator(f"[data-figure={name}]").inner_text()


async def expect_whole(page: Page, api: Api, session: str) -> None:
    """Wait for the end; the page must show the log's events, each once, and no fault."""
    await expect(words(page)).to_have_text("Ended: complete, nothing is missing")
    history = await api.events(session)
    await expect(page.locator("[data-figure=events]")).to_have_text(str(len(history)))

    async def drawn() -> bool:
        return await shown(page) == [event["offset"] for event in history]

    await eventually(drawn, "every event of the log on the page, in order, once")
    assert (await figure(page, "gaps"), await figure(page, "doubles")) == ("0", "0")


async def test_a_run_is_started_and_watched(browser: Browser, server: Server, api: Api) -> None:
    """The form starts a run in a session of its own, and the page shows all of its events."""
    async with tab(browser) as page:
        await page.goto(f"{server.url}/")
        session = await start(page, "echo", text="Good morning")
        await expect_whole(page, api, session)
        await expect(page.locator("[data-type=agent_message] .said")).to_have_text("Good morning")
        assert await figure(page, "transport") == "WebSocket"


async def test_the_input_begins_with_the_defaults(browser: Browser, server: Server) -> None:
    """Choosing a workflow fills the input with what its schema says."""
    async with tab(browser) as page:
        await page.goto(f"{server.url}/")
        await page.locator("start-form input[value=countdown]").check()
        given = json.loads(await page.locator("textarea").input_value())
    assert set(given) == {"seconds", "step"}


async def test_a_refused_input_is_explained(browser: Browser, server: Server) -> None:
    """What the server refuses, and what is not JSON at all, is said at the form."""
    async with tab(browser) as page:
        await page.goto(f"{server.url}/")
        await start(page, "echo", no_such_input=1)
        await expect(page.get_by_role("alert")).to_contain_text("no_such_input")
        await page.locator("textarea").fill("{oops")
        await page.get_by_role("button", name="Start the run").click()
        await expect(page.get_by_role("alert")).to_contain_text("not JSON")


async def test_attached_before_the_run(browser: Browser, server: Server, api: Api) -> None:
    """A page on a session that does not exist yet waits, and shows a run that starts elsewhere."""
    session = fresh()
    async with tab(browser) as page:
        await page.goto(f"{server.url}/?session={session}")
        await expect(words(page)).to_have_text("Connected, waiting for a run")
        await api.start(session, "count", n=20)
        await expect_whole(page, api, session)


async def test_the_form_uses_a_session_that_waits(
    browser: Browser, server: Server, api: Api
) -> None:
    """A run started on the page of a waiting session runs in it; the next one in a new session."""
    session = fresh()
    async with tab(browser) as page:
        await page.goto(f"{server.url}/?session={session}")
        await expect(words(page)).to_have_text("Connected, waiting for a run")
        await page.locator("start-form input[value=echo]").check()
        await page.get_by_role("button", name="Start the run").click()
        await expect_whole(page, api, session)
        await page.get_by_role("button", name="Start the run").click()
        await page.wait_for_url(lambda url: session not in url)


async def test_the_cut_button_costs_nothing(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """The button closes the socket; the state says so, and afterwards nothing is missing."""
    session = fresh()
    async with tab(browser) as page:
        await page.goto(f"{server.url}/?session={session}")
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(page.locator("[data-type=tick]")).to_have_count(2)
        subscribers = (await api.session(session))["subscribers"]
        assert subscribers == 1
        await page.evaluate(STATES)
        await page.get_by_role("button", name="Cut the connection").click()
        gate.let(2)
        await expect(page.locator("[data-type=tick]")).to_have_count(4)
        gate.close()
        await expect_whole(page, api, session)
        assert "Reconnecting (attempt 1)…" in await page.evaluate("states")
        assert await figure(page, "cuts") == "1"


STATES = """() => {
  globalThis.states = [];
  const line = document.querySelector("[role=status]");
  new MutationObserver(() => states.push(line.textContent))
    .observe(line, { childList: true, characterData: true, subtree: true });
}"""


async def test_offline_and_online_again(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """What happens while the browser is offline is on the page when it is back."""
    session = fresh()
    async with await browser.new_context() as context, tab(browser, context) as page:
        await page.goto(f"{server.url}/?session={session}")
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(page.locator("[data-type=tick]")).to_have_count(2)
        await context.set_offline(True)
        await expect(words(page)).to_contain_text("Reconnecting (attempt ")
        gate.let(3)
        await context.set_offline(False)
        await expect(page.locator("[data-type=tick]")).to_have_count(5)
        gate.close()
        await expect_whole(page, api, session)


async def test_through_a_proxy_that_refuses_websockets(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """Without WebSockets the page uses an event stream, says so, and cuts cost nothing there."""
    session = fresh()
    async with Middlebox(server.port, "refuse") as box, tab(browser) as page:
        await page.goto(f"{box.url}/?session={session}")
        await expect(page.locator("[data-figure=transport]")).to_contain_text("SSE")
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(page.locator("[data-type=tick]")).to_have_count(2)
        await page.get_by_role("button", name="Cut the connection").click()
        gate.let(2)
        await expect(page.locator("[data-type=tick]")).to_have_count(4)
        gate.close()
        await expect_whole(page, api, session)
        assert box.upgrades == 1


async def test_reload_and_second_tab_show_the_same(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """The address names the session: a reload in the middle and another tab show all of it."""
    session = fresh()
    async with (
        await browser.new_context() as context,
        tab(browser, context) as page,
        tab(browser, context) as other,
    ):
        await page.goto(f"{server.url}/?session={session}")
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(page.locator("[data-type=tick]")).to_have_count(2)
        await page.reload()
        await other.goto(page.url)
        gate.let(2)
        gate.close()
        await asyncio.gather(*(expect_whole(each, api, session) for each in (page, other)))


async def test_cancel_button_ends_the_run(browser: Browser, server: Server, api: Api) -> None:
    """The button asks for the active run to be cancelled, and its end is shown."""
    async with tab(browser) as page:
        await page.goto(f"{server.url}/")
        session = await start(page, "listens")
        await expect(page.locator("[data-type=alive]")).to_have_count(1)
        await page.get_by_role("button", name="Cancel the run").click()
        await expect(page.locator("[data-type=cancelled]")).to_have_count(1)
        await expect_whole(page, api, session)
        await expect(page.get_by_role("button", name="Cancel the run")).to_be_disabled()


async def test_hostile_text_stays_text(browser: Browser, server: Server) -> None:
    """Whatever an event holds is shown as it is and never becomes markup or code."""
    async with tab(browser) as page:
        await page.goto(f"{server.url}/")
        for text in HOSTILE:
            await start(page, "echo", text=text)
            said = page.locator("[data-type=agent_message] .said")
            await expect(said).to_have_js_property("textContent", text)
            await expect(page.locator("[data-type=complete]")).to_have_count(1)
            assert "owned" not in await page.title()
            assert await page.locator("event-log :is(img, script, svg, b)").count() == 0


async def test_a_long_log_keeps_the_document_small(
    browser: Browser, server: Server, api: Api
) -> None:
    """Only the newest 5,000 lines are in the document; a line says how many are not."""
    session = fresh()
    run = await api.start(session, "count", n=5998)
    await api.ended(session, run["id"])
    async with tab(browser) as page:
        await page.goto(f"{server.url}/?session={session}")
        await expect(words(page)).to_contain_text("Ended")
        await expect(page.locator("[data-figure=events]")).to_have_text("6,000")
        await expect(page.locator("[data-type=complete]")).to_have_count(1)
        assert await page.locator("event-log li").count() == 5000
        # 6,000 events, and one line of the page's own: the end.
        await expect(page.locator(".dropped")).to_contain_text("1,001 older")

"""The page in a real browser, used as a person uses it, on good and on bad connections."""

import asyncio
import re

from playwright.async_api import Browser, Page, expect

from tests.browser.chromium import needs_chromium, tab
from tests.browser.middlebox import Middlebox
from tests.browser.using import (
    COMPLETE,
    choose,
    counts,
    cut,
    events,
    expect_whole,
    start,
    visit,
    words,
)
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.processes import Server, StartServer

pytestmark = needs_chromium


async def test_a_run_is_started_and_watched(browser: Browser, server: Server, api: Api) -> None:
    """The form starts a run in a session of its own, and the page shows all of its events."""
    async with tab(browser) as page:
        await visit(page, server.url)
        session = await start(page, "echo", text="Good morning")
        await expect_whole(page, api, session)
        await expect(events(page, "agent_message")).to_contain_text("Good morning")
        await expect(page.locator("run-head")).to_contain_text("Complete")
        await expect(page).to_have_title(f"✓ {session} · Keepstream")
        row = page.locator("session-list", has_text=session)
        await expect(row).to_contain_text("closed")


async def test_what_the_server_refuses_is_said_at_the_form(
    browser: Browser, server: Server, api: Api
) -> None:
    """A session that has an active run takes no second one; what was typed stays."""
    session = fresh()
    await api.start(session, "listens")
    async with tab(browser) as page:
        await visit(page, server.url)
        form = page.locator("start-form")
        await choose(page, "echo")
        await form.get_by_text("Session", exact=True).click()
        await form.get_by_label("id", exact=True).fill(session)
        await form.get_by_role("button", name="Start").click()
        await expect(form.get_by_role("alert")).to_contain_text(session)
        await expect(form.get_by_label("id", exact=True)).to_have_value(session)


async def test_attached_before_the_run(browser: Browser, server: Server, api: Api) -> None:
    """A page on a session that does not exist yet waits, and shows a run that starts elsewhere."""
    session = fresh()
    async with tab(browser) as page:
        await visit(page, server.url, f"?session={session}")
        await expect(words(page)).to_contain_text("waiting for a run")
        await api.start(session, "count", n=6)
        await expect_whole(page, api, session)


async def test_a_session_that_waits_is_what_the_next_run_is_for(
    browser: Browser, server: Server, api: Api
) -> None:
    """A run started from the page of a waiting session runs in it; the next in a new session."""
    session = fresh()
    async with tab(browser) as page:
        await visit(page, server.url, f"?session={session}")
        await expect(words(page)).to_contain_text("waiting for a run")
        form = page.locator("start-form")
        await page.keyboard.press("n")
        await choose(page, "echo")
        await form.get_by_role("button", name="Start").click()
        await expect_whole(page, api, session)
        await page.keyboard.press("n")
        await form.get_by_role("button", name="Start").click()
        await page.wait_for_url(lambda url: session not in url)
        await expect(words(page)).to_have_text(COMPLETE)


async def test_start_again_and_a_run_that_comes_later(
    browser: Browser, server: Server, api: Api
) -> None:
    """The same input in the same session: both runs are on the page, the newest first to see."""
    async with tab(browser) as page, tab(browser) as other:
        await visit(page, server.url)
        session = await start(page, "echo", text="twice")
        await expect_whole(page, api, session)
        await visit(other, server.url, f"?session={session}")
        await expect(words(other)).to_have_text(COMPLETE)
        await page.get_by_role("button", name="Start again").click()
        await page.locator("start-form").get_by_role("button", name="Start").click()
        await expect(events(page, "complete")).to_have_count(2)
        await expect_whole(page, api, session)
        ends = [event for event in await api.events(session) if event["type"] == "complete"]
        assert len(ends) == 2
        await expect(events(other, "complete")).to_have_count(2)  # who only watched sees it too
        await expect(page.get_by_label("Run", exact=True).locator("option")).to_have_count(2)


async def test_the_cut_button_costs_nothing(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """The button closes the socket; the page says so, and what was missed and made up for."""
    session = fresh()
    async with tab(browser) as page:
        await visit(page, server.url, f"?session={session}")
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(events(page, "tick")).to_have_count(2)
        await cut(page)
        gate.let(2)
        await expect(events(page, "tick")).to_have_count(4)
        await expect(page.locator("event-view .note")).to_have_count(2)
        await expect(page.locator("event-view .note").first).to_contain_text(
            "Connection lost (cut)"
        )
        gate.close()
        await expect_whole(page, api, session)
        told = await counts(page)
        assert (told["cuts"], told["gaps"], told["doubles"]) == (1, 0, 0)


async def test_offline_and_online_again(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """What happens while the browser is offline is on the page when it is back."""
    session = fresh()
    async with await browser.new_context() as context, tab(browser, context) as page:
        await visit(page, server.url, f"?session={session}")
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(events(page, "tick")).to_have_count(2)
        await context.set_offline(True)
        await expect(words(page)).to_contain_text(re.compile("Reconnecting|Offline"))
        gate.let(3)
        await context.set_offline(False)
        await expect(events(page, "tick")).to_have_count(5)
        gate.close()
        await expect_whole(page, api, session)


async def test_through_a_proxy_that_refuses_websockets(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """Without WebSockets the page uses an event stream, says so, and cuts cost nothing there."""
    session = fresh()
    async with Middlebox(server.port, "refuse") as box, tab(browser) as page:
        await visit(page, box.url, f"?session={session}")
        await expect(page.locator("[data-brief=transport]")).to_contain_text("SSE")
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(events(page, "tick")).to_have_count(2)
        await cut(page)
        gate.let(2)
        await expect(events(page, "tick")).to_have_count(4)
        gate.close()
        await expect_whole(page, api, session)
        assert box.upgrades == 1


async def test_each_transport_can_be_forced(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """The choice takes effect at once, and the stream goes on without a gap or a double."""
    session = fresh()
    async with tab(browser) as page:
        await visit(page, server.url, f"?session={session}")
        await api.start(session, "gated", gate=gate.path)
        await page.get_by_role("button", name="Connection").click()
        for number, choice in enumerate(["Event stream", "Long poll", "WebSocket"], 1):
            await page.get_by_role("radio", name=choice).check()
            brief = {"Event stream": "SSE", "Long poll": "poll", "WebSocket": "WebSocket"}[choice]
            shown = page.locator("[data-brief=transport]")
            await expect(shown).to_contain_text(re.compile(brief, re.IGNORECASE))
            gate.let(1)
            await expect(events(page, "tick")).to_have_count(number)
        gate.close()
        await expect_whole(page, api, session)
        told = await counts(page)
        assert (told["gaps"], told["doubles"]) == (0, 0)


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
        await visit(page, server.url, f"?session={session}")
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(events(page, "tick")).to_have_count(2)
        await page.reload()
        await visit(other, server.url, f"?session={session}")
        gate.let(2)
        gate.close()
        await asyncio.gather(*(expect_whole(each, api, session) for each in (page, other)))


async def test_the_server_is_replaced_meanwhile(
    browser: Browser, start_server: StartServer, gate: Gate
) -> None:
    """A deploy: the page says that it reconnects, and the same run goes on where it was."""
    first = start_server(STOP_RUNS="leave")
    session = fresh()
    async with tab(browser) as page:
        await visit(page, first.url, f"?session={session}")
        async with Api(first.url) as api:
            await api.start(session, "gated", gate=gate.path)
            gate.let(2)
            await expect(events(page, "tick")).to_have_count(2)
        first.terminate()
        await asyncio.to_thread(first.wait)
        await expect(words(page)).to_contain_text("Reconnecting")
        second = start_server(first.data_dir, PORT=first.port, STOP_RUNS="leave")
        gate.let(2)
        await expect(events(page, "tick")).to_have_count(4)
        gate.close()
        async with Api(second.url) as api:
            await expect_whole(page, api, session)


async def test_a_log_that_began_again_is_said_and_shown_whole(
    browser: Browser, start_server: StartServer
) -> None:
    """After a restored copy every epoch is a new one: the page says so, and has the log once."""
    first = start_server()
    session = fresh()
    async with tab(browser) as page:
        async with Api(first.url) as api:
            await api.start(session, "count", n=3)
            await api.ended(session)
        await visit(page, first.url, f"?session={session}")
        await expect(events(page, "tick")).to_have_count(3)
        first.terminate()
        await asyncio.to_thread(first.wait)
        second = start_server(first.data_dir, PORT=first.port, NEW_EPOCH=1)
        async with Api(second.url) as api:
            await api.start(session, "count", n=2)
            await expect(page.locator("event-view .note", has_text="began again")).to_be_visible()
            await api.ended(session)
            await expect(events(page, "tick")).to_have_count(5)
            await expect_whole(page, api, session)


async def test_another_session_never_stands_under_a_name_that_is_not_its_own(
    browser: Browser, start_server: StartServer
) -> None:
    """While the server does not answer the page is empty, and not the session before."""
    server = start_server()
    first, second = fresh(), fresh()
    async with tab(browser) as page, Api(server.url) as api:
        await api.start(first, "count", n=3)
        await api.ended(first)
        await visit(page, server.url, f"?session={first}")
        await expect(events(page, "tick")).to_have_count(3)
        await page.route(f"**/api/sessions/{second}*", lambda _: None)  # no answer ever
        await page.evaluate("id => history.pushState(null, '', `?session=${id}`)", second)
        await page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
        await expect(page.locator("nav .name")).to_have_text(second)
        await expect(events(page, "tick")).to_have_count(0)
        await expect(words(page)).not_to_have_text(COMPLETE)
        await page.unroute_all(behavior="ignoreErrors")


async def test_cancel_button_ends_the_run(browser: Browser, server: Server, api: Api) -> None:
    """The button asks once more, then for the run to be cancelled; its end is shown."""
    async with tab(browser) as page:
        await visit(page, server.url)
        session = await start(page, "listens")
        await expect(events(page, "alive")).to_have_count(1)
        await page.locator("run-head").get_by_role("button", name="Cancel").click()
        await page.locator("run-head").get_by_role("button", name="Cancel the run").click()
        await expect(events(page, "cancelled")).to_have_count(1)
        await expect(page.locator("run-head")).to_contain_text("Cancelled")
        await expect_whole(page, api, session)


async def test_a_question_is_answered_once_whoever_answers(
    browser: Browser, server: Server, api: Api
) -> None:
    """It stands on every page, also after a reload; one answers, and all see what was said."""
    session = fresh()
    await api.start(session, "asks")
    async with tab(browser) as page, tab(browser) as other:
        for each in (page, other):
            await visit(each, server.url, f"?session={session}")
            await expect(each.locator("run-questions")).to_contain_text("Waiting for an answer")
        await page.reload()
        asked = page.locator("run-questions")
        await asked.get_by_role("spinbutton").or_(asked.get_by_role("textbox")).first.fill("7")
        await asked.get_by_role("button", name="Answer").click()
        for each in (page, other):
            await expect(each.locator("run-questions")).to_contain_text("answered: 7")
            await expect_whole(each, api, session)
    said = [event for event in await api.events(session) if event["type"] == "input_received"]
    assert [event["data"]["value"] for event in said] == [7]


async def test_a_filter_and_an_event_can_be_shared(
    browser: Browser, server: Server, api: Api
) -> None:
    """What is narrowed down and what is looked at stand in the address, and open the same there."""
    session = await api.complete("agents")
    async with tab(browser) as page, tab(browser) as other:
        await visit(page, server.url, f"?session={session}")
        await expect(words(page)).to_have_text(COMPLETE)
        await page.keyboard.press("/")
        await page.keyboard.type("complete")
        await page.wait_for_url("**q=complete**")
        await page.locator("event-view article[data-offset]").last.click()
        await page.wait_for_url("**event=**")
        await visit(other, page.url.partition("/?")[0], "?" + page.url.partition("?")[2])
        await expect(other.get_by_role("searchbox", name="Search")).to_have_value("complete")
        current = await page.locator("event-view article.current").get_attribute("data-offset")
        shown = other.locator("event-view article.current")
        await expect(shown).to_have_attribute("data-offset", str(current))


async def test_a_mark_on_the_timeline_leads_to_its_event(
    browser: Browser, server: Server, api: Api
) -> None:
    """Agents and tools have bars; a click on one shows its event below."""
    session = await api.complete("agents")
    async with tab(browser) as page:
        await visit(page, server.url, f"?session={session}")
        await expect(words(page)).to_have_text(COMPLETE)
        bar = page.locator("run-timeline .bars button.span").first
        await bar.click()
        await page.wait_for_url("**event=**")
        current = page.locator("event-view article.current")
        await expect(current).to_have_attribute("data-type", "agent_start")


async def test_why_do_i_see_nothing(browser: Browser, server: Server, api: Api) -> None:
    """A filter that hides everything is found out, with the button that ends it."""
    session = await api.complete("count", n=3)
    async with tab(browser) as page:
        await visit(page, server.url, f"?session={session}&q=nothing-is-like-this")
        await expect(page.locator("event-view .empty")).to_be_visible()
        await page.keyboard.press("w")
        dialog = page.get_by_role("dialog", name="Why do I see nothing?")
        await expect(dialog).to_contain_text("nothing-is-like-this")
        await dialog.get_by_role("button", name=re.compile("clear", re.IGNORECASE)).click()
        await dialog.get_by_role("button", name="Close").click()
        await expect(events(page, "tick")).to_have_count(3)
        assert "q=" not in page.url


async def test_single_keys_can_be_switched_off(browser: Browser, server: Server) -> None:
    """They are listed, and who types by voice can do without them, for good."""
    async with await browser.new_context() as context, tab(browser, context) as page:
        await visit(page, server.url)
        await page.keyboard.press("?")
        keys = page.get_by_role("dialog", name="Keyboard shortcuts")
        await keys.get_by_role("checkbox").uncheck()
        await page.keyboard.press("Escape")
        await page.reload()
        await expect(page.locator("start-form input[type=radio]").first).to_be_visible()
        await page.keyboard.press("?")
        await expect(keys).to_be_hidden()


async def test_back_and_forth(browser: Browser, server: Server, api: Api) -> None:
    """Who leaves a session for the list, and comes back by the browser's button, sees it again."""
    async with tab(browser) as page:
        await visit(page, server.url)
        session = await start(page, "echo", text="x")
        await expect_whole(page, api, session)
        await page.locator("h1 a").click()
        await expect(page.locator("section.stream")).to_be_hidden()
        await page.go_back()
        await expect_whole(page, api, session)


SHIFTS = """
globalThis.shifts = [];
const around = ({ node }) => node && !node.parentElement?.closest(".scroller");  // a live end moves
// What one node adds: an entry's value is of all that moved in a frame, the live end too.
// https://wicg.github.io/layout-instability/: impact by distance.
const shift = ({ previousRect: from, currentRect: to }) => {
  const width = Math.min(from.right, to.right) - Math.max(from.left, to.left);
  const height = Math.min(from.bottom, to.bottom) - Math.max(from.top, to.top);
  const both = Math.max(0, width) * Math.max(0, height);
  const area = from.width * from.height + to.width * to.height - both;
  const distance = Math.max(Math.abs(from.x - to.x), Math.abs(from.y - to.y));
  return area * distance / (innerWidth * innerHeight * Math.max(innerWidth, innerHeight));
};
const told = ({ node, previousRect: from, currentRect: to }) =>
  `${node.nodeName}.${node.className} ${from.x}, ${from.y} → ${to.x}, ${to.y}`;
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    const moved = sources.filter(around);
    const theirs = moved.map(shift).reduce((sum, each) => sum + each, 0);
    if (!hadRecentInput && theirs > 0) shifts.push([Math.min(value, theirs), ...moved.map(told)]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
#: What Web Vitals calls good for the whole life of a page.
GOOD_SHIFT = 0.1


async def test_nothing_jumps_while_a_run_goes_on(
    browser: Browser, start_server: StartServer
) -> None:
    """From the empty page over agents, texts and artifacts to the report: what is read stays.

    On a server of its own: a session that others have made last would move the rows of the list.
    """
    server = start_server(WORKFLOWS="workflows")
    session, *others = [fresh() for _ in range(4)]
    async with Api(server.url) as api, tab(browser) as page:
        for other in others:
            await api.call("POST", "/api/sessions", {"id": other})
        await page.add_init_script(SHIFTS)
        await visit(page, server.url, f"?session={session}")
        await expect(words(page)).to_contain_text("waiting for a run")
        await api.start(session, "strategy", symbols=["IBM"], rounds=1, pace=0.003)
        await expect(words(page)).to_have_text(COMPLETE)
        shifts = await page.evaluate("shifts")
        await page.evaluate("document.querySelector('run-head').style.marginTop = '300px'")
        # It would be seen, and be too much.
        await page.wait_for_function(f"shifts.slice({len(shifts)}).some(([v]) => v > {GOOD_SHIFT})")
    assert sum(value for value, *_ in shifts) < GOOD_SHIFT, shifts


async def test_all_of_it_by_keyboard(browser: Browser, server: Server, api: Api) -> None:
    """Start a run, go through its events, look at one as it is, cancel, and go back: no mouse."""
    async with tab(browser) as page:
        await visit(page, server.url)
        keys = page.keyboard
        form = page.locator("start-form")
        await expect(form.locator("input[name=workflow]:checked")).to_have_count(1)
        await keys.press("n")
        await keys.type("listens")
        await keys.press("ArrowDown")
        await expect(form.locator("input[value=listens]")).to_be_checked()
        await keys.press("Control+Enter")
        await page.wait_for_url("**session=**")
        session = page.url.partition("session=")[2].partition("&")[0]
        await expect(events(page, "alive")).to_have_count(1)

        await page.locator("event-view .scroller").focus()
        await keys.press("k")
        await expect(page.locator("event-view article.current")).to_have_count(1)
        await keys.press("r")
        raw = page.locator("event-view article.current .raw")
        await expect(raw).to_contain_text('"offset"')
        await keys.press("r")
        await expect(raw).to_have_count(0)

        await _tab_to(page, "Cancel")
        await keys.press("Enter")
        await keys.press("Enter")  # the focus is on the button that says it once more
        await expect(events(page, "cancelled")).to_have_count(1)
        await expect_whole(page, api, session)

        await keys.press("s")
        await keys.press("ArrowDown")
        await expect(page.locator("session-list :focus")).to_have_count(1)


async def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the button of that name has the focus."""
    button = page.locator("run-head").get_by_role("button", name=name)
    for _ in range(60):
        await page.keyboard.press("Shift+Tab")
        if await button.evaluate("button => button === document.activeElement"):
            return
    raise AssertionError(f"60 times Tab, and {name} never had the focus")

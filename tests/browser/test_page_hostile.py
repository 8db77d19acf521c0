"""What workflows say stays text: five thousand attempts at more, and one who looks at them all."""

from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Page, Request, expect

from tests.browser.chromium import needs_chromium, tab
from tests.browser.using import COMPLETE, visit, words
from tests.system.api import Api, fresh
from tests.system.flows.hostile_words import payloads
from tests.system.processes import Server

pytestmark = needs_chromium

PAYLOADS = 5000
WATCH = """
globalThis.executions = [];
globalThis.reports = [];
globalThis.owned = () => executions.push(new Error("owned").stack);
for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
  globalThis[name] = () => executions.push(name);
}
addEventListener("securitypolicyviolation", (report) => {
  reports.push(`${report.violatedDirective} ${report.blockedURI} ${report.sample}`);
});
"""
#: What no text of a workflow may become, anywhere on the page.
FOREIGN = """() => [...document.querySelectorAll("*")].flatMap((node) => [
  ...(["SCRIPT", "IFRAME", "OBJECT", "EMBED", "BASE", "META", "LINK", "STYLE", "MARQUEE", "MATH"]
    .includes(node.tagName.toUpperCase()) && document.body.contains(node) ? [node.outerHTML] : []),
  ...node.getAttributeNames().filter((name) => /^on|^srcdoc$|^style$/.test(name)
    && !(name === "style" && node.style.length)).map((name) => `${node.tagName} ${name}`),
  ...["href", "src", "action", "xlink:href"].map((name) => node.getAttribute(name) ?? "")
    .filter((value) => /^\\s*(javascript|vbscript|data:text)/i.test(value)),
])"""


async def look_at_all(page: Page) -> int:
    """Scroll from the live end to the log's start, screen by screen; how many rows were seen."""
    seen: int = await page.evaluate(
        """async () => {
          const scroller = document.querySelector("event-view .scroller");
          const seen = new Set();
          const frame = () => new Promise(requestAnimationFrame);
          let still = 0;
          while (still < 200) {
            const before = seen.size;
            for (const row of document.querySelectorAll("event-view article[data-offset]")) {
              seen.add(row.dataset.offset);
            }
            scroller.scrollTop -= scroller.clientHeight * 0.9;
            await frame();
            await frame();
            still = seen.size === before ? still + 1 : 0;
            if (seen.has("1")) break;
          }
          return seen.size;
        }"""
    )
    return seen


async def expect_harmless(page: Page, asked: list[str]) -> None:
    """Nothing ran, nothing was blocked since nothing was tried, and nobody else was asked."""
    assert await page.evaluate("executions") == []
    assert await page.evaluate("reports") == []
    assert await page.evaluate(FOREIGN) == []
    assert asked == []


@pytest.mark.slow(50)
async def test_five_thousand_payloads_stay_text(browser: Browser, server: Server, api: Api) -> None:
    """Every event of a run that is nothing but attacks is shown: 0 executions, 0 CSP reports."""
    session, asked = fresh(), list[str]()
    run = await api.start(session, "hostile_words", n=PAYLOADS)
    history = await api.ended(session, run["id"])
    assert len(history) > PAYLOADS

    def hear(request: Request) -> None:
        if not request.url.startswith((server.url, "data:", f"ws{server.url[4:]}")):
            asked.append(request.url)

    async with tab(browser) as page:
        await page.add_init_script(WATCH)
        page.on("request", hear)
        page.on("dialog", lambda dialog: asked.append(dialog.message))
        page.on("popup", lambda popup: asked.append(popup.url))
        await visit(page, server.url, f"?session={session}")
        await page.set_viewport_size({"width": 1280, "height": 6000})  # fewer screens to look at
        await expect(words(page)).to_have_text(COMPLETE)
        assert await look_at_all(page) > PAYLOADS / 2
        await expect_harmless(page, asked)
        await _unfold(page)
        await expect_harmless(page, asked)
        assert "owned" not in await page.title()


async def _unfold(page: Page) -> None:
    """Open what can be opened: details of rows, raw views, the head's folds, the table."""
    await page.evaluate(
        "for (const button of document.querySelectorAll('event-view [aria-expanded=false]'))"
        " button.click()"
    )
    await expect(page.locator("event-view .raw").first).to_be_visible()
    for fold in await page.locator("run-head summary").all():
        await fold.click()
    await page.locator("run-timeline").get_by_role("button", name="Table").click()


async def test_what_the_address_and_the_names_say_stays_text(
    browser: Browser, server: Server, api: Api
) -> None:
    """A filter in a shared address is somebody's text too; so are labels, and a search for one."""
    session, asked = fresh(), list[str]()
    run: Any = await api.start(session, "hostile_words", n=40)
    await api.ended(session, run["id"])
    async with tab(browser) as page:
        await page.add_init_script(WATCH)
        page.on(
            "request",
            lambda request: (
                asked.append(request.url) if "evil" in request.url.split("?")[0] else None
            ),
        )
        for text in [*payloads(5), "<script>owned()</script>"]:
            query = urlencode({"session": session, "q": text, "agent": text, "run": text})
            await visit(page, server.url, f"?{query}")
            await expect(words(page)).to_have_text(COMPLETE)
            await page.keyboard.press("w")
            await expect(page.get_by_role("dialog")).to_be_visible()
            await expect_harmless(page, asked)


async def test_the_trap_shuts(browser: Browser, server: Server) -> None:
    """Were one of them to run, or to be stopped by the policy alone, it would be seen."""
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.add_init_script(WATCH)
        await visit(page, server.url)
        await page.evaluate("owned(), document.body.setAttribute('onclick', '1')")
        assert len(await page.evaluate("executions")) == 1
        assert await page.evaluate(FOREIGN) == ["BODY onclick"]
        await page.evaluate(
            "document.body.append(Object.assign(document.createElement('img'),"
            " { src: 'https://evil.invalid/x' }))"
        )
        await page.wait_for_function("reports.length > 0")

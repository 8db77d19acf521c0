"""The connection as the page shows it, and its answers to "Why do I see nothing?"."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.chromium import needs_chromium, tab
from tests.browser.middlebox import Middlebox
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.patience import PATIENCE, eventually
from tests.system.processes import Server, StartServer

pytestmark = needs_chromium
expect.set_options(timeout=PATIENCE * 1000)

#: What a page's shell does: it follows, hands states on, and does what the panels ask for.
SHELL = """
import { follow } from "/static/keepstream.js";
import "/static/page/connection/connection-panel.js";
import "/static/page/connection/diagnosis-panel.js";

// All of them, before anything is shown: by one alone, what is hidden would not be.
await Promise.all(["tokens", "base", "connection", "diagnosis"].map((name) =>
  new Promise((done) => {
    const link = Object.assign(document.createElement("link"), { onload: done });
    Object.assign(link, { rel: "stylesheet", href: `/static/style/${name}.css` });
    document.head.append(link);
  }),
));
const [main, panel, dialog] = ["main", "connection-panel", "dialog"].map((name) =>
  document.createElement(name),
);
dialog.append(document.createElement("diagnosis-panel"));
main.append(panel, dialog);
document.body.replaceChildren(main);
const fired = [];
for (const name of ["cut", "transport", "diagnose", "new", "clearfilter", "latest"]) {
  document.addEventListener(name, ({ detail }) => fired.push([name, detail]));
}
document.addEventListener("cut", () => shell.stream.cut());

globalThis.shell = {
  fired,
  events: [],
  open(session, options = {}) {
    shell.address = `/api/sessions/${session}`;
    const stream = follow(shell.address, {
      until: "forever",
      ...options,
      onEvent: (event) => shell.events.push(event),
      onState: (state) => panel.showState(state),
    });
    shell.stream = stream;
    panel.follow(stream);
  },
  async why(address = shell.address, run = null) {
    if (!dialog.open) dialog.showModal();
    await dialog.firstChild.check(address, { stream: shell.stream ?? null, run });
  },
};
"""


class Panels:
    """A page that has both panels and nothing else."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator("connection-panel")
        self.words = self.panel.locator(".words")
        self.detail = self.panel.locator(".detail")
        self.lines = self.panel.locator(".lines li")
        self.verdict = page.locator("diagnosis-panel .verdict")

    async def follow(self, session: str, **options: object) -> None:
        """Follow a session; it is followed for ever unless the options say otherwise."""
        await self.page.evaluate(f"shell.open({json.dumps(session)}, {json.dumps(options)})")

    async def unfold(self) -> None:
        """Show all of the connection."""
        await self.panel.get_by_role("button", name="Connection").click()

    async def cut(self) -> None:
        """Press the button."""
        await self.panel.get_by_role("button", name="Cut the connection").click()

    def figure(self, name: str) -> Locator:
        """Find one of the unfolded figures."""
        return self.panel.locator(f"[data-figure={name}]")

    async def why(self, session: str | None = None) -> None:
        """Open the diagnosis, of another session than the one that is followed if named."""
        address = "undefined" if session is None else json.dumps(f"/api/sessions/{session}")
        await self.page.evaluate(f"shell.why({address})")

    def check(self, question: str) -> Locator:
        """Find the line of a question."""
        return self.page.locator("diagnosis-panel .checks > li").filter(has_text=question)

    async def fired(self) -> list[Any]:
        """Return the events that the panels fired, as [name, detail]."""
        return list(await self.page.evaluate("shell.fired"))


async def panels(page: Page, url: str) -> Panels:
    """Open the panels on that server's origin, under the server's own policy.

    The document is one of the server's, though none with a script: from one that is only made up
    for the test, a browser opens no WebSocket to loopback.
    """

    async def serve(route: Route) -> None:
        await route.fulfill(body=SHELL, content_type="text/javascript")

    await page.route("**/try.js", serve)
    await page.goto(f"{url}/openapi.json")
    await page.evaluate("import('/try.js')")
    return Panels(page)


# -- the connection


async def test_the_bar_says_how_the_connection_is_from_before_the_run_to_its_end(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """Waiting, live and the end in words; the figures follow the events; unfolding is announced."""
    session = fresh()
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        await expect(shown.words).to_have_text("Not connected")
        await shown.follow(session, until="run")
        await expect(shown.words).to_have_text("Connected, waiting for a run")
        await expect(shown.panel.locator("[data-brief=transport]")).to_contain_text("WebSocket")
        toggle = shown.panel.get_by_role("button", name="Connection", exact=True)
        await expect(toggle).to_have_attribute("aria-expanded", "false")
        await toggle.press("Enter")
        await expect(toggle).to_have_attribute("aria-expanded", "true")
        await api.start(session, "gated", gate=gate.path)
        gate.let(4)
        await expect(shown.words).to_have_text("Live")
        await expect(shown.figure("events")).to_have_text("5")
        epoch = (await api.session(session))["epoch"]
        await expect(shown.figure("cursor")).to_have_text(f"{epoch}-5")
        await expect(shown.figure("end")).to_have_text("5")
        await expect(shown.figure("lag")).to_have_text("0 events")
        gate.close()
        await expect(shown.words).to_have_text("Ended: complete, nothing is missing")
        await expect(shown.lines.first).to_contain_text("Ended: complete")
        await expect(shown.panel.get_by_role("button", name="Cut")).to_be_disabled()


async def test_what_was_missed_is_told_in_the_bar_and_kept_in_the_history(
    browser: Browser, server: Server, api: Api, gate: Gate
) -> None:
    """A cut, a browser without network, and back: how many events were missed and made up for."""
    session = fresh()
    context = await browser.new_context()
    async with tab(browser, context) as page:
        shown = await panels(page, server.url)
        await shown.follow(session)
        await shown.unfold()
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(shown.figure("events")).to_have_text("3")
        await context.set_offline(True)
        await shown.cut()
        await expect(shown.words).to_have_text("Offline, reconnecting")
        await expect(shown.lines.filter(has_text="failed")).to_have_count(1)
        gate.let(3)
        await api.reached(session, "tick")
        await expect_log(api, session, 6)
        await context.set_offline(False)
        await expect(shown.words).to_have_text("Live")
        made_up = shown.panel.locator(".made-up")
        await expect(made_up).to_have_text("3 missed events made up for")
        back = shown.lines.filter(has_text="back over")
        await expect(back).to_contain_text("3 events were missed and have been made up for")
        await expect(shown.lines.filter(has_text="lost (cut) at")).to_have_count(1)
        await expect(shown.lines.filter(has_text="went offline")).to_have_count(1)
        await expect(shown.figure("cuts")).to_have_text("1")
        await expect(shown.figure("gaps")).to_have_text("0")
        assert await page.evaluate("shell.events.map(({ offset }) => offset)") == list(range(1, 7))
        gate.close()
    await context.close()


async def expect_log(api: Api, session: str, last: int) -> None:
    """Wait until the session's log ends there."""

    async def ends() -> bool:
        return bool((await api.session(session))["last"] == last)

    await eventually(ends, f"a log of {last} events")


async def test_the_countdown_moves_nothing(browser: Browser, start_server: StartServer) -> None:
    """While the wait for the next try ticks, every other part of the bar stays where it is."""
    server = start_server()
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        await shown.follow(fresh())
        await expect(shown.words).to_have_text("Connected, waiting for a run")
        server.kill()
        await expect(shown.words).to_have_text("Reconnecting")
        seen = await page.evaluate(WATCH_COUNTDOWN)
    assert len(seen["texts"]) > 2, seen
    assert len(seen["places"]) == 1, seen


#: Until the countdown has said four different things: what it said, and where everything stood.
WATCH_COUNTDOWN = """
() => new Promise((resolve) => {
  const [texts, places] = [new Set(), new Set()];
  const bar = document.querySelector("connection-panel .bar");
  const look = () => {
    texts.add(bar.querySelector(".detail").textContent);
    const boxes = [bar, ...bar.children].map((node) => node.getBoundingClientRect());
    places.add(JSON.stringify(boxes.map(({ x, y, width, height }) => [x, y, width, height])));
    if (texts.size > 3) resolve({ texts: [...texts], places: [...places] });
    else requestAnimationFrame(look);
  };
  look();
})
"""


async def test_a_restart_of_the_server_is_told(
    browser: Browser, start_server: StartServer, tmp_path: Path
) -> None:
    """The server's goodbye stands in the history, and so does the return to the next server."""
    session = fresh()
    first = start_server(tmp_path / "data")
    async with Api(first.url) as api:
        await api.ended(session, (await api.start(session, "count", n=3))["id"])
    async with tab(browser) as page:
        shown = await panels(page, first.url)
        await shown.follow(session)
        await shown.unfold()
        await expect(shown.figure("events")).to_have_text("5")
        first.terminate()
        await asyncio.to_thread(first.wait)
        await expect(shown.words).to_have_text("Reconnecting")
        start_server(tmp_path / "data", PORT=first.port)
        await expect(shown.words).to_have_text("Connected, the run has ended")
        await expect(shown.panel.locator(".made-up")).to_have_text("nothing was missed")
        await expect(shown.lines.filter(has_text="lost (restart)")).to_have_count(1)


async def test_a_transport_that_does_not_get_through_is_named(
    browser: Browser, server: Server
) -> None:
    """Where WebSockets are refused the history says so, and the bar names what is used instead."""
    async with Middlebox(server.port, "refuse") as box, tab(browser) as page:
        shown = await panels(page, box.url)
        await shown.follow(fresh())
        await shown.unfold()
        await expect(shown.words).to_have_text("Connected, waiting for a run")
        await expect(shown.figure("transport")).to_have_text("SSE")
        await expect(shown.lines.last).to_contain_text("WebSocket did not get through, trying SSE")


async def test_a_gap_is_an_alarm(browser: Browser, server: Server, api: Api) -> None:
    """A message that was lost on the way shows in the figures and in the history."""
    session, lost = fresh(), list[bytes]()
    await api.start(session, "count", n=5)

    def lose_one(payload: bytes) -> list[bytes]:
        if b'"tick"' in payload and not lost:
            lost.append(payload)
            return []
        return [payload]

    async with Middlebox(server.port, tamper=lose_one) as box, tab(browser) as page:
        shown = await panels(page, box.url)
        await shown.follow(session, until="run", transports=["websocket"])
        await shown.unfold()
        await expect(shown.words).to_have_text("Ended: complete, nothing is missing")
        await expect(shown.figure("gaps")).to_have_text("1")
        await expect(shown.figure("gaps")).to_have_class(re.compile("alarm"))
        await expect(shown.figure("doubles")).not_to_have_class(re.compile("alarm"))
        await expect(shown.panel.locator("li[data-kind=alarm]")).to_contain_text("a gap at")


async def test_the_panel_asks_and_its_owner_acts(browser: Browser, server: Server) -> None:
    """A chosen transport, a cut and the question are events; the keyboard reaches all of them."""
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        await shown.follow(fresh())
        await expect(shown.words).to_have_text("Connected, waiting for a run")
        await shown.unfold()
        automatic = shown.panel.get_by_role("radio", name="Automatic")
        await expect(automatic).to_be_checked()
        await automatic.press("ArrowDown")
        await page.keyboard.press("ArrowUp")
        await shown.panel.get_by_role("radio", name="Long poll").check()
        await shown.panel.get_by_role("button", name="Why do I see nothing?").click()
        await shown.cut()
        assert await shown.fired() == [
            ["transport", {"name": "websocket"}],
            ["transport", {"name": None}],
            ["transport", {"name": "poll"}],
            ["diagnose", {}],
            ["cut", {}],
        ]


async def test_the_cursor_can_be_copied(browser: Browser, server: Server) -> None:
    """The button puts the cursor into the clipboard and says so."""
    context = await browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    async with tab(browser, context) as page:
        shown = await panels(page, server.url)
        await shown.follow(fresh())
        await shown.unfold()
        await expect(shown.figure("cursor")).to_have_text(re.compile(r"-0$"))
        await shown.panel.get_by_role("button", name="Copy the cursor").click()
        await expect(shown.panel.locator("dd")).to_contain_text(["copied"])
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == await shown.figure("cursor").inner_text()
    await context.close()


async def test_another_stream_begins_another_history(browser: Browser, server: Server) -> None:
    """What happened to one session's connection is not told of another's."""
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        await shown.follow(fresh())
        await shown.unfold()
        await expect(shown.lines).to_have_count(1)
        await shown.cut()
        await expect(shown.lines).to_have_count(3)
        await page.evaluate("shell.stream.close()")
        await shown.follow(fresh())
        await expect(shown.lines).to_have_count(1)
        await expect(shown.panel.locator(".made-up")).to_be_hidden()


@pytest.mark.parametrize("width", [360, 800, 1280])
async def test_the_bar_is_one_line_at_every_width(
    browser: Browser, server: Server, width: int
) -> None:
    """It keeps its height and stays within the page, folded or not."""
    context = await browser.new_context(viewport={"width": width, "height": 700})
    async with tab(browser, context) as page:
        shown = await panels(page, server.url)
        await shown.follow(fresh())
        await expect(shown.words).to_have_text("Connected, waiting for a run")
        await shown.unfold()
        await shown.cut()
        await expect(shown.panel.locator(".made-up")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        box = await shown.panel.locator(".bar").bounding_box()
        assert box is not None
        assert box["height"] == 32
    await context.close()


# -- why do I see nothing?


async def test_a_session_that_nobody_asked_for(browser: Browser, server: Server) -> None:
    """That the server does not know a session is an answer; a run can be started at once."""
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        session = fresh()
        await shown.why(session)
        await expect(shown.verdict).to_contain_text("This page follows no session.")
        exists = shown.check("Does the session exist?")
        await expect(exists).to_contain_text(f"{session}: not known to the server")
        await expect(exists.locator(".answer")).to_have_text("no")
        await exists.get_by_role("button", name="Start a run").click()
        assert await shown.fired() == [["new", {}]]


async def test_a_session_that_waits_for_its_run(browser: Browser, server: Server, api: Api) -> None:
    """A connected page is told to start a run, and that it started is seen without asking."""
    session = fresh()
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        await shown.follow(session)
        await expect(shown.words).to_have_text("Connected, waiting for a run")
        await shown.why()
        await expect(shown.verdict).to_contain_text("No run was started in this session.")
        questions = await page.locator("diagnosis-panel .question").all_inner_texts()
        asked = await api.call("GET", f"/api/sessions/{session}/diagnosis")
        assert questions[4:] == [each["question"] for each in asked.json["questions"]]
        await expect(shown.check("Are subscribers consuming?").locator("tr.own")).to_contain_text(
            "WebSocket"
        )
        await api.ended(session, (await api.start(session, "count", n=3))["id"])
        await expect(shown.verdict).to_contain_text("All is well: the run is complete")
        await expect(shown.check("Are they in the log?")).to_contain_text("offsets 1 to 5")


async def test_a_run_that_does_well(browser: Browser, server: Server, api: Api, gate: Gate) -> None:
    """All is well: the newest event is named, and so is this page among the subscribers."""
    session = fresh()
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        await shown.follow(session)
        await api.start(session, "gated", gate=gate.path)
        gate.let(2)
        await expect(shown.words).to_have_text("Live")
        await expect_log(api, session, 3)
        await page.wait_for_function("shell.events.length === 3")
        await shown.why()
        await expect(shown.verdict).to_have_attribute("data-tone", "good")
        await expect(shown.check("Are events emitted?")).to_contain_text("newest: offset 3, tick")
        await expect(shown.check("Are subscribers consuming?")).to_contain_text("this page")
        gate.close()


async def test_a_run_that_waits_for_a_place(
    browser: Browser, start_server: StartServer, gate: Gate
) -> None:
    """Behind MAX_RUNS a run is said to wait, with what can be done about it."""
    server = start_server(MAX_RUNS=1)
    session = fresh()
    async with Api(server.url) as api, tab(browser) as page:
        await api.start(fresh(), "gated", gate=gate.path)
        await api.start(session, "count", n=1)
        shown = await panels(page, server.url)
        await shown.follow(session)
        await expect(shown.words).to_have_text("Live")
        await shown.why()
        await expect(shown.verdict).to_contain_text("The run waits for a place.")
        await expect(shown.check("Is the workflow starting?")).to_contain_text("queued")
        await expect(shown.verdict).to_contain_text("MAX_RUNS")
        gate.close()
        await api.ended(session)


@pytest.mark.parametrize(
    ("workflow", "told"),
    [
        ("raises", ["workflow_error: RuntimeError: the market is closed", "traceback"]),
        ("aborts", ["workflow_crashed", "SIGABRT", "native library"]),
        ("overstays_politely", ["workflow_timeout", "RUN_TIMEOUT_SECONDS"]),
    ],
)
async def test_a_run_that_failed(
    browser: Browser, server: Server, api: Api, workflow: str, told: list[str]
) -> None:
    """The code that it ended with is in the verdict, with advice of its own."""
    session = await api.complete(workflow)
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        await shown.follow(session)
        await expect(shown.words).to_have_text("Connected, the run has ended")
        await shown.why()
        await expect(shown.verdict).to_contain_text("The run ended with ")
        for words in told:
            await expect(shown.verdict).to_contain_text(words)


async def test_the_page_itself_may_be_the_reason(
    browser: Browser, server: Server, api: Api
) -> None:
    """A filter and a page that is scrolled away are named, each with the button that undoes it."""
    session = await api.complete("count", n=3)
    async with tab(browser) as page:
        shown = await panels(page, server.url)
        await shown.follow(session)
        await expect(shown.words).to_have_text("Connected, the run has ended")
        await shown.why()
        await page.evaluate(
            "() => { const panel = document.querySelector('diagnosis-panel');"
            " panel.setAttribute('filtered', 'agents Coder, Critic');"
            " panel.setAttribute('paused', '41 newer events are below'); }"
        )
        await expect(shown.verdict).to_contain_text("A filter hides events.")
        await expect(shown.check("every event")).to_contain_text("agents Coder, Critic")
        await shown.check("every event").get_by_role("button").click()
        await shown.check("newest event").get_by_role("button").click()
        assert [name for name, _ in await shown.fired()] == ["clearfilter", "latest"]
        await page.evaluate("document.querySelector('diagnosis-panel').removeAttribute('filtered')")
        await expect(shown.verdict).to_contain_text("scrolled away")


async def test_a_server_that_is_gone(browser: Browser, start_server: StartServer) -> None:
    """It is said whose fault it likely is, and the last answers stay, called old."""
    server = start_server()
    context = await browser.new_context()
    async with tab(browser, context) as page:
        shown = await panels(page, server.url)
        await shown.follow(fresh())
        await expect(shown.words).to_have_text("Connected, waiting for a run")
        await shown.why()
        await expect(shown.verdict).to_contain_text("No run was started")
        server.kill()
        again = page.get_by_role("button", name="Check again")
        await again.click()
        await expect(shown.verdict).to_contain_text("The server does not answer.")
        await expect(shown.check("Is this page connected?")).to_contain_text("Reconnecting")
        await expect(shown.check("Does the session exist?")).to_be_visible()
        await expect(page.get_by_text("As it answered at")).to_be_visible()
        await context.set_offline(True)
        await again.click()
        await expect(shown.verdict).to_contain_text("This browser is offline.")
    await context.close()


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (502, "<h1>Bad gateway</h1>", "A proxy answers, the server behind it does not."),
        (403, {"error": {"code": "x", "message": "the origin 'x' is not served"}}, "its origin"),
        (404, {"error": {"code": "x", "message": "no session s"}}, "follows no session"),
        (404, "<h1>Not here</h1>", "Something else answers in the server's place."),
        (200, "<h1>Log in to this network</h1>", "Something else answers"),
    ],
)
async def test_what_stands_between_may_answer(
    browser: Browser, server: Server, status: int, body: Any, verdict: str
) -> None:
    """An answer that is not the server's diagnosis is told from one that is."""
    async with tab(browser) as page:
        shown = await panels(page, server.url)

        async def answer(route: Route) -> None:
            text = body if isinstance(body, str) else json.dumps(body)
            await route.fulfill(status=status, body=text, content_type="text/html")

        await page.route("**/diagnosis", answer)
        await shown.why("s")
        await expect(shown.verdict).to_contain_text(verdict)


async def test_asking_again_moves_nothing_and_a_closed_dialog_asks_nothing(
    browser: Browser, server: Server
) -> None:
    """Lines stay the nodes that they are, so focus stays; calls stop with the dialog."""
    async with tab(browser) as page:
        await page.clock.install()
        shown = await panels(page, server.url)
        calls: list[str] = []
        page.on("request", lambda sent: calls.append(sent.url) if "diagnosis" in sent.url else None)
        await shown.why(fresh())
        start = shown.check("Does the session exist?").get_by_role("button")
        await start.focus()
        async with page.expect_response("**/diagnosis"):
            await page.clock.fast_forward(6000)
        await expect(start).to_be_focused()
        assert len(calls) == 2
        await page.evaluate("document.querySelector('dialog').close()")
        await page.clock.fast_forward(60_000)
        await page.clock.fast_forward(60_000)
        assert len(calls) == 2

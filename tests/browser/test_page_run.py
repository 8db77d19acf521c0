"""A run's head and its timeline, with real events, in a real browser."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.chromium import needs_chromium, tab
from tests.system.api import Api, fresh
from tests.system.patience import PATIENCE, eventually
from tests.system.processes import Server

pytestmark = needs_chromium
expect.set_options(timeout=PATIENCE * 1000)

BLANK = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>A run</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/style/tokens.css">
<link rel="stylesheet" href="/static/style/base.css">
<link rel="stylesheet" href="/static/style/run.css">
<link rel="stylesheet" href="/static/style/timeline.css">
<body><main><run-head></run-head><run-timeline></run-timeline></main>
"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:"
)
MOUNT = """async () => {
  const { Outline } = await import("/static/page/run/outline.js");
  await import("/static/page/run/run-head.js");
  await import("/static/page/timeline/run-timeline.js");
  globalThis.outline = new Outline();
  globalThis.fired = [];
  const [head, timeline] = ["run-head", "run-timeline"].map((name) => document.querySelector(name));
  globalThis.show = (id = null, now = undefined) => {
    const run = id === null ? outline.runs.at(-1) ?? null : outline.run(id);
    head.show(run, { session: "s1", runs: outline.runs, now });
    timeline.show(run, { now });
  };
  for (const name of ["cancel", "again", "choose", "reveal"]) {
    addEventListener(name, ({ detail }) => fired.push([name, detail]));
  }
  show();
}"""
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


async def _blank(route: Route) -> None:
    headers = {"Content-Security-Policy": POLICY}
    await route.fulfill(body=BLANK, content_type="text/html", headers=headers)


class Shown:
    """The two elements in a page, and the outline that they show."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.head = page.locator("run-head")
        self.timeline = page.locator("run-timeline")
        self.plot = self.timeline.locator(".plot")
        self.bars = self.timeline.locator(".bars button")

    async def add(self, *events: dict[str, Any], now: float | None = None) -> None:
        """Give events to the outline, and show what it is then."""
        await self.page.evaluate(
            "([events, now]) => { for (const event of events) outline.add(event);"
            " show(null, now ?? undefined); }",
            [list(events), now],
        )

    async def fired(self) -> Any:
        """Return what the elements have fired, oldest first."""
        return await self.page.evaluate("fired")

    def bar(self, label: str, state: str = "") -> Locator:
        """Return the bar or mark whose label begins so, and names that state."""
        named = f'[aria-label*=", {state}"]' if state else ""
        return self.timeline.locator(f'.bars button[aria-label^="{label}"]{named}')

    async def width(self, label: str) -> float:
        """Return a bar's width in pixels."""
        box = await self.bar(label).bounding_box()
        return box["width"] if box else 0.0


@asynccontextmanager
async def shown(browser: Browser, server: Server, **context: Any) -> AsyncIterator[Shown]:
    """Open a page with a head and a timeline that have nothing to show yet."""
    own = await browser.new_context(**context)
    try:
        async with tab(browser, own) as page:
            await page.route("**/one-run", _blank)
            await page.goto(f"{server.url}/one-run")
            await page.evaluate(MOUNT)
            yield Shown(page)
    finally:
        await own.close()


class Story:
    """Events of one run, written by hand, at times that the test says."""

    def __init__(self, run: str = "r1", offset: int = 0) -> None:
        self.run = run
        self.offset = offset
        self.events: list[dict[str, Any]] = []

    def tell(
        self,
        seconds: float,
        type_: str,
        agent: str | None = None,
        span: str | None = None,
        **data: Any,
    ) -> dict[str, Any]:
        """Write one event, `seconds` after the run's start."""
        self.offset += 1
        minute, rest = divmod(seconds, 60)
        event = {
            "offset": self.offset,
            "time": f"2026-11-22T22:{int(minute):02}:{rest:09.6f}Z",
            "type": type_,
            "run": self.run,
            "data": data,
        }
        if agent is not None:
            event |= {"agent": agent, "span": span}
        self.events.append(event)
        return event


def small() -> Story:
    """Two agents, a tool that failed, a hand-off, an artifact; ten seconds."""
    story = Story()
    story.tell(0, "run_start", workflow="small", input={"n": 1})
    story.tell(1, "agent_start", "Chief", "s1", task="see to it")
    story.tell(2, "handoff", "Chief", "s1", to="Hand", task="do it")
    story.tell(2.5, "agent_start", "Hand", "s2", task="the work", parent="s1")
    story.tell(3, "tool_call", "Hand", "s2", tool="search", call="c1", arguments={"q": "x"})
    story.tell(5, "tool_result", "Hand", "s2", tool="search", call="c1", error="no network")
    story.tell(6, "artifact", "Hand", "s2", name="a.txt", media_type="text/plain", text="a")
    story.tell(7, "agent_complete", "Hand", "s2", output="done")
    story.tell(9, "agent_complete", "Chief", "s1")
    story.tell(10, "complete", result={"ok": True})
    return story


def crowd(agents: int) -> Story:
    """Many agents at once, each inside the one before it by threes."""
    story = Story()
    story.tell(0, "run_start", workflow="crowd", input={})
    for i in range(agents):
        parent = {"parent": f"s{i - 1}"} if i % 3 else {}
        story.tell(1 + i / 10, "agent_start", f"Agent {i % 7}", f"s{i}", **parent)
        for call in range(5):
            story.tell(
                1 + i / 10, "tool_call", f"Agent {i % 7}", f"s{i}", tool="t", call=f"{i}-{call}"
            )
    for i in range(agents):
        story.tell(100 + i / 10, "agent_complete", f"Agent {i % 7}", f"s{i}")
    story.tell(200, "complete", result=None)
    return story


async def test_a_run_of_the_server_is_shown_as_bars_in_lanes(
    browser: Browser, server: Server, api: Api
) -> None:
    """Agents, the one inside the other, and their tools can be read from labels."""
    session = await api.complete("agents")
    async with shown(browser, server) as page:
        await page.add(*await api.events(session))
        await expect(page.bar("Supervisor, plan", "complete")).to_be_visible()
        await expect(page.bar("Worker, work", "complete")).to_have_count(1)
        label = await page.bar("Worker").first.get_attribute("aria-label")
        assert label is not None
        assert "inside Supervisor" in label
        await expect(page.bar("Supervisor, search")).to_have_count(1)
        await expect(page.head.locator(".state")).to_have_text("Complete")
        await expect(page.timeline.locator(".summary")).to_contain_text("2 agents, 2 blocks")


async def test_what_runs_grows_until_it_ends(browser: Browser, server: Server, api: Api) -> None:
    """Open bars reach to now and grow by themselves; at the run's end they stay as they are."""
    session = fresh()
    run = await api.start(session, "countdown", seconds=3600)

    async def begun() -> bool:
        return any(event["type"] == "progress" for event in await api.events(session))

    await eventually(begun, "the countdown's first number")
    async with shown(browser, server) as page:
        await page.add(*await api.events(session))
        await expect(page.head.locator(".state")).to_have_text("Running")
        await expect(page.timeline.locator(".now-line")).to_be_visible()
        before = await page.width("Counter")
        elapsed = await page.head.locator(".elapsed").inner_text()

        async def grown() -> bool:
            words = await page.head.locator(".elapsed").inner_text()
            return await page.width("Counter") > before and words != elapsed

        await eventually(grown, "the open bar grows and the time ticks")
        await api.call("POST", f"/api/runs/{run['id']}/cancel")
        await api.ended(session, run["id"])
        await page.add(*await api.events(session))
        await expect(page.head.locator(".state")).to_have_text("Cancelled")
        await expect(page.timeline.locator(".now-line")).to_be_hidden()
        await expect(page.timeline.locator(".bars .open")).to_have_count(0)


async def test_nothing_is_drawn_where_nobody_looks(browser: Browser, server: Server) -> None:
    """Out of the window, a timeline of a run that goes on asks for no frames."""
    async with shown(browser, server) as page:
        story = small()
        await page.add(*story.events[:4], now=1e3)
        await expect(page.bar("Chief, see to it", "running")).to_be_visible()
        await page.page.evaluate(
            "() => { document.body.style.setProperty('padding-top', '4000px');"
            " globalThis.frames_ = 0; const ask = requestAnimationFrame;"
            " globalThis.requestAnimationFrame = (draw) => { frames_ += 1; return ask(draw); }; }"
        )

        async def quiet() -> bool:
            before = await page.page.evaluate("frames_")
            await page.page.evaluate("new Promise((done) => setTimeout(done, 200))")
            return bool(before == await page.page.evaluate("frames_"))

        await eventually(quiet, "no frames are asked for")
        await page.page.evaluate("scrollTo(0, 4000)")

        async def drawing() -> bool:
            return not await quiet()

        await eventually(drawing, "frames are asked for again")


async def test_lanes_keep_their_places_while_a_run_goes_on(
    browser: Browser, server: Server
) -> None:
    """A new agent of an older parent moves no lane; `Fit` puts it under its parent."""
    story = Story()
    story.tell(0, "run_start", workflow="w", input={})
    story.tell(1, "agent_start", "A", "a")
    story.tell(1, "agent_start", "B", "b")
    late = story.tell(2, "agent_start", "A1", "a1", parent="a")

    async def rows() -> Any:
        names = await page.timeline.locator(".name").evaluate_all(
            "names => names.map((name) => [Number(name.style.getPropertyValue('--row')),"
            " name.firstChild.textContent])"
        )
        return [name for _, name in sorted(names)]

    async with shown(browser, server) as page:
        await page.add(*story.events[:3], now=1e3)
        await expect(page.timeline.locator(".name")).to_have_count(3)
        await page.add(late)
        await expect(page.timeline.locator(".name")).to_have_count(4)
        assert await rows() == ["w", "A", "B", "A1"]
        await page.timeline.get_by_role("button", name="Fit").click()

        async def tidied() -> bool:
            return bool(await rows() == ["w", "A", "A1", "B"])

        await eventually(tidied, "the lanes are in order")


async def test_only_what_is_in_sight_is_drawn(browser: Browser, server: Server) -> None:
    """Of hundreds of agents the page has a bounded number of nodes; scrolling shows others."""
    async with shown(browser, server) as page:
        await page.add(*crowd(300).events)
        await expect(page.bar("Agent 0").first).to_be_visible()
        assert await page.bars.count() < 250
        assert await page.timeline.locator(".name").count() < 40
        await expect(page.timeline.locator(".summary")).to_contain_text("300 blocks")
        box = await page.timeline.bounding_box()
        assert box is not None
        assert box["height"] < 520
        await page.timeline.locator(".scroller").evaluate("(node) => node.scrollTo(0, 1e6)")
        offset = next(
            event["offset"]
            for event in crowd(300).events
            if event.get("span") == "s299" and event["type"] == "agent_start"
        )
        await expect(page.timeline.locator(f'[data-key="span {offset}"]')).to_be_visible()


async def test_zooming_by_every_means_and_back(browser: Browser, server: Server) -> None:
    """Wheel, buttons, keys and the axis zoom; `0`, `Fit` and a double click show all again."""
    async with shown(browser, server) as page:
        await page.add(*small().events)
        await expect(page.bar("Hand, the work")).to_be_visible()
        whole = await page.width("Hand, the work")
        window = page.timeline.locator(".window")

        async def wider() -> None:
            async def met() -> bool:
                return await page.width("Hand, the work") > whole * 1.2

            await eventually(met, "the bar is wider")
            await expect(window).to_be_visible()

        async def fitted() -> None:
            async def met() -> bool:
                return abs(await page.width("Hand, the work") - whole) < 1

            await eventually(met, "the bar is as it was")
            await expect(window).to_be_hidden()

        await page.bar("Hand, the work").hover()
        await page.page.keyboard.down("Control")
        await page.page.mouse.wheel(0, -60)
        await page.page.keyboard.up("Control")
        await wider()
        await page.timeline.get_by_role("button", name="Fit").click()
        await fitted()
        await page.timeline.get_by_role("button", name="Zoom in").click()
        await wider()
        await page.plot.focus()
        await page.page.keyboard.press("0")
        await fitted()
        await page.page.keyboard.press("+")
        await wider()
        await page.plot.dblclick(position={"x": 5, "y": 12})
        await fitted()
        axis = await page.timeline.locator(".axis").bounding_box()
        assert axis is not None
        await page.page.mouse.move(axis["x"] + axis["width"] * 0.2, axis["y"] + 8)
        await page.page.mouse.down()
        await page.page.mouse.move(axis["x"] + axis["width"] * 0.75, axis["y"] + 8, steps=3)
        await page.page.mouse.up()
        await wider()


async def test_dragging_pans_and_does_not_click(browser: Browser, server: Server) -> None:
    """What is zoomed moves with the pointer, and the bar under it is not taken as chosen."""
    async with shown(browser, server) as page:
        await page.add(*small().events)
        await page.plot.focus()
        for _ in range(3):
            await page.page.keyboard.press("+")
        await expect(page.timeline.locator(".window")).to_be_visible()
        bar = await page.bar("Hand, the work").bounding_box()
        before = await page.bar("Hand, artifact").bounding_box()
        assert bar is not None
        assert before is not None
        x, y = bar["x"] + bar["width"] / 2, bar["y"] + 6
        await page.page.mouse.move(x, y)
        await page.page.mouse.down()
        await page.page.mouse.move(x - 120, y, steps=5)
        await page.page.mouse.up()

        async def moved() -> bool:
            box = await page.bar("Hand, artifact").bounding_box()
            return box is not None and abs(box["x"] - before["x"] + 120) < 10

        await eventually(moved, "the mark has moved along")
        assert await page.fired() == []


async def test_the_keyboard_reaches_every_bar_and_mark(browser: Browser, server: Server) -> None:
    """Tab goes to the bars, arrows from one to the next, Enter shows the event, Escape leaves."""
    async with shown(browser, server) as page:
        await page.add(*small().events)
        await expect(page.bar("small", "complete")).to_be_visible()
        focused = "document.activeElement.getAttribute('aria-label').split(',').slice(0, 2).join()"

        async def press(key: str) -> Any:
            await page.page.keyboard.press(key)
            return await page.page.evaluate(focused)

        await page.plot.focus()
        assert await press("Tab") == "small, took 10 s"
        assert await press("ArrowDown") == "Chief, see to it"
        assert await press("ArrowRight") == "Chief, hands off to Hand"
        assert await press("ArrowDown") == "Hand, the work"
        assert await press("ArrowRight") == "Hand, search"
        assert await press("ArrowRight") == "Hand, artifact a.txt"
        assert await press("Home") == "Hand, the work"
        assert await press("End") == "Hand, artifact a.txt"
        await page.page.keyboard.press("Enter")
        assert await page.fired() == [["reveal", {"offset": 7}]]
        for key in "+++":
            assert await press(key) == "Hand, artifact a.txt"
        for _ in range(9):  # out of sight, and still where the keys go on from
            await page.page.keyboard.press("Shift+ArrowLeft")
        assert (await press("Escape")).startswith("Timeline")
        assert await page.page.evaluate("document.activeElement.className") == "plot"


async def test_a_tooltip_tells_of_what_is_under_the_pointer(
    browser: Browser, server: Server
) -> None:
    """It has the agent, the tool, its arguments, what came of it; a click shows the event."""
    async with shown(browser, server) as page:
        await page.add(*small().events)
        tip = page.timeline.locator(".tip")
        await expect(tip).to_be_hidden()
        await page.bar("Hand, search").hover()
        for words in ("Hand", "search", "failed", "2.0 s, from 3.0 s", '{q: "x"}', "no network"):
            await expect(tip).to_contain_text(words)
        await page.bar("Hand, search").click()
        assert await page.fired() == [["reveal", {"offset": 5}]]
        await page.page.mouse.move(1, 1)
        await expect(tip).to_be_hidden()


async def test_the_timeline_as_a_table(browser: Browser, server: Server) -> None:
    """It has a row for each block, with its times in words, and its agents lead to the events."""
    async with shown(browser, server) as page:
        await page.add(*small().events)
        await page.timeline.get_by_role("button", name="Table").click()
        rows = page.timeline.locator("tbody tr")
        await expect(rows).to_have_count(2)
        assert [text.strip() for text in await rows.nth(1).locator("th, td").all_inner_texts()] == [
            "Hand",
            "the work",
            "complete",
            "2.5 s",
            "4.5 s",
            "1 (1 failed)",
        ]
        await rows.nth(1).get_by_role("button").click()
        assert await page.fired() == [["reveal", {"offset": 4}]]


async def test_folded_it_is_one_strip(browser: Browser, server: Server) -> None:
    """Only the overview stays, and it comes back whole."""
    async with shown(browser, server) as page:
        await page.add(*small().events)
        fold = page.timeline.get_by_role("button", name="Lanes")
        await fold.click()
        await expect(fold).to_have_attribute("aria-expanded", "false")
        await expect(page.plot).to_be_hidden()
        await expect(page.timeline.locator(".overview")).to_be_visible()
        await fold.click()
        await expect(page.bar("Hand, the work")).to_be_visible()


async def test_the_head_says_how_it_stands(browser: Browser, server: Server) -> None:
    """State, workflow, progress and who is at work; when it has ended, the result."""
    story = small()
    progress = story.tell(6.5, "progress", done=3, total=4, label="nearly")
    async with shown(browser, server) as page:
        await expect(page.head.locator(".state")).to_have_text("Waiting")
        await expect(page.timeline.locator(".nothing")).to_be_visible()
        await page.add(*story.events[:4], now=1e3)
        await expect(page.head.locator(".state")).to_have_text("Running")
        await expect(page.head.locator(".workflow")).to_have_text("small")
        chips = page.head.locator(".agents li")
        await expect(chips).to_have_count(2)
        await expect(chips.first).to_contain_text("Hand")
        await expect(chips.first).to_contain_text("the work")
        end = story.events[-2] | {"offset": 12}
        await page.add(progress)
        await expect(page.head.locator(".progress")).to_contain_text("3 / 4")
        await expect(page.head.locator(".progress")).to_contain_text("nearly")
        await page.add(end)
        await expect(page.head.locator(".state")).to_have_text("Complete")
        await expect(page.head.locator(".elapsed")).to_have_text("10 s")
        result = page.head.locator("details", has_text="Result")
        await result.locator("summary").click()
        await expect(result).to_contain_text("ok")


async def test_the_head_keeps_its_height_while_a_run_goes_on(
    browser: Browser, server: Server
) -> None:
    """Progress, agents, the question of a cancel and the result take no room from what is below."""
    story = small()
    async with shown(browser, server) as page:
        await page.add(story.events[0], now=1e3)
        await expect(page.head.locator(".state")).to_have_text("Running")

        async def height() -> float:
            box = await page.head.bounding_box()
            return box["height"] if box else 0.0

        before = await height()
        progress = Story(offset=4).tell(3, "progress", done=1, total=2, label="on its way")
        await page.add(*story.events[1:4], progress, now=1e3)
        await expect(page.head.locator(".agents li")).to_have_count(2)
        assert await height() == before
        await page.head.get_by_role("button", name="Cancel").click()
        assert await height() == before
        end = Story(offset=5).tell(9, "complete", result={"text": "x" * 2000})
        await page.add(end)
        await expect(page.head.locator(".state")).to_have_text("Complete")
        assert await height() == before


async def test_a_run_is_cancelled_after_a_question(browser: Browser, server: Server) -> None:
    """Cancel asks first; then it says `Cancelling…` until the run has ended, or it was refused."""
    async with shown(browser, server) as page:
        await page.add(*small().events[:3], now=1e3)
        button = page.head.get_by_role
        await button("button", name="Cancel").click()
        await button("button", name="Keep it running").click()
        assert await page.fired() == []
        await button("button", name="Cancel").click()
        await button("button", name="Cancel the run").click()
        assert await page.fired() == [["cancel", {"run": "r1"}]]
        await expect(button("button", name="Cancelling…")).to_be_disabled()
        await page.head.evaluate("(head) => head.complain('The server is away')")
        await expect(page.head.get_by_role("alert")).to_have_text("The server is away")
        await expect(button("button", name="Cancel", exact=True)).to_be_enabled()
        await button("button", name="Cancel").click()
        await button("button", name="Cancel the run").click()
        await page.add(Story(offset=3).tell(4, "cancelled", reason="asked for"))
        await expect(page.head.locator(".state")).to_have_text("Cancelled")
        await expect(page.head.locator(".trouble")).to_contain_text("asked for")
        await expect(button("button", name="Cancel", exact=True)).to_be_hidden()


async def test_an_error_is_told_in_words_with_its_code_and_detail(
    browser: Browser, server: Server
) -> None:
    """What was running is cut, and the detail of the process's end unfolds as text."""
    story = Story(offset=3)
    error = story.tell(
        8,
        "error",
        code="workflow_crashed",
        message="the process was ended by SIGKILL",
        detail={"signal": "SIGKILL", "stderr": f"Traceback\n{HOSTILE}"},
    )
    async with shown(browser, server) as page:
        await page.add(*small().events[:3], error)
        trouble = page.head.locator(".trouble")
        await expect(trouble).to_contain_text("The workflow's process died")
        await expect(trouble).to_contain_text("workflow_crashed")
        await expect(trouble).to_contain_text("ended by SIGKILL")
        detail = page.head.locator("details", has_text="Detail")
        await detail.locator("summary").click()
        await expect(detail).to_contain_text(HOSTILE)
        await expect(page.bar("Chief, see to it", "cut off by the end of the run")).to_be_visible()


async def test_a_run_is_started_again_with_its_input(browser: Browser, server: Server) -> None:
    """Once a run has ended, the button asks for another with the same workflow and input."""
    async with shown(browser, server) as page:
        await page.add(*small().events[:2], now=1e3)
        await expect(page.head.get_by_role("button", name="Start again")).to_be_hidden()
        await page.add(*small().events)
        await page.head.get_by_role("button", name="Start again").click()
        assert await page.fired() == [["again", {"workflow": "small", "input": {"n": 1}}]]


async def test_a_session_with_several_runs_lets_one_be_chosen(
    browser: Browser, server: Server
) -> None:
    """The chooser is there only where there is a choice, and the newest comes first."""
    second = Story("r2", offset=10)
    second.tell(60, "run_start", workflow="other", input={})
    async with shown(browser, server) as page:
        await page.add(*small().events)
        chooser = page.head.get_by_role("combobox")
        await expect(chooser).to_be_hidden()
        await page.add(*second.events, now=1e3)
        await expect(chooser).to_have_value("r2")
        await chooser.select_option("r1")
        assert await page.fired() == [["choose", {"run": "r1"}]]
        await page.page.evaluate("show('r1')")
        await expect(page.head.locator(".workflow")).to_have_text("small")
        await expect(page.bar("Hand, the work")).to_be_visible()


async def test_markup_of_a_workflow_is_text(browser: Browser, server: Server) -> None:
    """Names, tasks, tools, prompts and results that look like markup are shown as they are."""
    story = Story()
    story.tell(0, "run_start", workflow=HOSTILE, input={HOSTILE: HOSTILE})
    story.tell(1, "agent_start", HOSTILE, HOSTILE, task=HOSTILE)
    story.tell(2, "tool_call", HOSTILE, HOSTILE, tool=HOSTILE, call=HOSTILE, arguments=HOSTILE)
    story.tell(3, "artifact", HOSTILE, HOSTILE, name=HOSTILE, media_type=HOSTILE, text="")
    story.tell(3, "handoff", HOSTILE, HOSTILE, to=HOSTILE, task=HOSTILE)
    story.tell(4, "input_request", request="q", prompt=HOSTILE)
    story.tell(5, "progress", done=1, total=2, label=HOSTILE)
    async with shown(browser, server) as page:
        await page.add(*story.events, now=1e3)
        await page.timeline.get_by_role("button", name="Table").click()
        await expect(page.timeline.locator("tbody tr")).to_contain_text(HOSTILE)
        await page.timeline.locator(".bars .tool").hover()
        await expect(page.timeline.locator(".tip")).to_contain_text(HOSTILE)
        await page.add(Story(offset=7).tell(6, "complete", result=HOSTILE))
        await expect(page.head.locator(".state")).to_have_text("Complete")
        assert await page.page.locator("img").count() == 0
        assert await page.page.title() == "A run"


async def test_at_phone_width_nothing_sticks_out(browser: Browser, server: Server) -> None:
    """At 360 pixels neither element is wider than the window."""
    async with shown(browser, server, viewport={"width": 360, "height": 700}) as page:
        await page.add(*crowd(12).events[:40], now=1e3)
        await expect(page.bar("Agent 0").first).to_be_visible()
        assert await page.page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_for_who_wants_less_motion_it_draws_once_a_second(
    browser: Browser, server: Server
) -> None:
    """With reduced motion the present moves, but not with every frame."""
    async with shown(browser, server, reduced_motion="reduce") as page:
        start = await page.page.evaluate("new Date(Date.now()).toISOString()")
        events = [event | {"time": start} for event in small().events[:2]]
        await page.add(*events)
        await expect(page.bar("Chief, see to it", "running")).to_be_visible()
        watch = (
            "new Promise((done) => { let changes = 0;"
            " const bar = document.querySelector('.bars .span.open');"
            " new MutationObserver(() => { changes += 1; }).observe(bar, {attributes: true,"
            " attributeFilter: ['style']}); setTimeout(() => done(changes), 1500); })"
        )
        changes = await page.page.evaluate(watch)
        assert changes <= 3, json.dumps(changes)

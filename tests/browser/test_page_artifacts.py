"""The viewers of artifacts and the report of a strategy, in a real browser, under the policy."""

import base64
import json
import re
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.chromium import needs_chromium, tab
from tests.system.api import Api, fresh
from tests.system.patience import PATIENCE, eventually
from tests.system.processes import Server

pytestmark = needs_chromium
expect.set_options(timeout=PATIENCE * 1000)

MIB = 1 << 20
SHEETS = "".join(
    f'<link rel="stylesheet" href="/static/style/{name}.css">'
    for name in ("tokens", "base", "artifacts")
)
HTML = (
    f'<!doctype html><html lang="en"><title>calm</title>{SHEETS}<body><main></main></body></html>'
)
HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "<script>document.title='owned'</script>",
    "</pre></td></svg><iframe srcdoc=\"<script>parent.document.title='owned'</script>\">",
    "javascript:document.title='owned'",
    '=HYPERLINK("javascript:alert(1)","x")',
    "\u202egnp.exe\u2028\u0000",
]
SVG = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30' "
    "onload=\"parent.document.title='owned'\">"
    "<script>parent.document.title='owned'; document.title='owned'</script>"
    "<style>@import url(/owned.css); rect { fill: red }</style>"
    "<image href='/owned.png' width='9' height='9'/>"
    "<foreignObject width='9' height='9'><iframe xmlns='http://www.w3.org/1999/xhtml' "
    "src='/owned'/></foreignObject><rect width='20' height='20'/></svg>"
)


def png(width: int, height: int) -> bytes:
    """Return an image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = b"".join(b"\0" + bytes(4 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def text(name: str, media_type: str, content: str) -> dict[str, str]:
    """Return the data of an artifact's event."""
    return {"name": name, "media_type": media_type, "text": content}


def coded(name: str, media_type: str, content: bytes) -> dict[str, str]:
    """Return the data of an artifact's event that came as bytes."""
    encoded = base64.b64encode(content).decode()
    return {"name": name, "media_type": media_type, "base64": encoded}


@asynccontextmanager
async def lab(browser: Browser, server: Server, **options: Any) -> AsyncIterator[Page]:
    """Open an empty page of the server's origin, under the policy of the server's own page.

    At its end nothing of what was shown may have run, been asked for or broken the policy.
    """
    context = await browser.new_context(**options)
    asked: list[str] = []

    async def serve(route: Route) -> None:
        real = await route.fetch(url=f"{server.url}/")
        policy = real.headers["content-security-policy"]
        await route.fulfill(
            body=HTML, headers={"content-type": "text/html", "content-security-policy": policy}
        )

    async with tab(browser, context) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: asked.append(dialog.message))
        await page.route("**/lab", serve)
        await page.goto(f"{server.url}/lab")
        await page.evaluate(
            "globalThis.reports = [];"
            "addEventListener('securitypolicyviolation', (event) => reports.push(event.blockedURI))"
        )
        yield page
        assert await page.title() == "calm"
        assert await page.evaluate("reports") == []
        assert [url for url in asked if "owned" in url or "alert" in url] == []
    await context.close()


async def put(page: Page, *artifacts: dict[str, str]) -> Locator:
    """Show artifacts; return their cards."""
    await page.evaluate(
        "async (all) => {"
        " const { artifact } = await import('/static/page/artifacts/artifact.js');"
        " document.querySelector('main').replaceChildren(...all.map(artifact)); }",
        list(artifacts),
    )
    return page.locator("artifact-card")


async def strategy_run(api: Api, **given: object) -> tuple[str, list[dict[str, Any]]]:
    """Run the real workflow to its end; return its session and its events."""
    session = fresh()
    given = {"pace": 0, "rounds": 1, "symbols": ["IBM", "MSFT"], **given}
    run = await api.start(session, "strategy", **given)
    return session, await api.ended(session, run["id"])


async def report(page: Page, session: str, run: dict[str, Any]) -> Locator:
    """Show a run's report; `reported.fetched` holds the offsets that it asked for."""
    await page.evaluate(
        "async ([session, run]) => {"
        " await import('/static/page/artifacts/strategy-report.js');"
        " const report = document.createElement('strategy-report');"
        " document.querySelector('main').replaceChildren(report);"
        " const fetched = [];"
        " const fetchEvent = async (offset) => { fetched.push(offset);"
        "  const { epoch } = await (await fetch(`/api/sessions/${session}`)).json();"
        "  const path = `/api/sessions/${session}/events?after=${epoch}-${offset - 1}&limit=1`;"
        "  return (await (await fetch(path)).json()).events[0]; };"
        " globalThis.reported = { fetched, show: (run) => report.show(run, fetchEvent) };"
        " reported.show(run); }",
        [session, run],
    )
    return page.locator("strategy-report")


def outline(events: list[dict[str, Any]], count: int | None = None) -> dict[str, Any]:
    """Return what the page knows of a run from its first events."""
    seen = events[:count]
    artifacts = [
        {"offset": event["offset"], "agent": event["agent"], **event["data"]}
        for event in seen
        if event["type"] == "artifact"
    ]
    ended = seen[-1]["type"] == "complete"
    return {
        "id": events[0]["run"],
        "workflow": "strategy",
        "state": "complete" if ended else "running",
        "result": seen[-1]["data"]["result"] if ended else None,
        "artifacts": [{key: each[key] for key in ("offset", "name")} for each in artifacts],
    }


async def test_the_artifacts_of_a_real_run_open_where_they_stand(
    browser: Browser, server: Server, api: Api
) -> None:
    """Code has its lines, the curve is a chart by periods and a table, the figures are a tree."""
    _, events = await strategy_run(api)
    artifacts = {
        event["data"]["name"]: event["data"] for event in events if event["type"] == "artifact"
    }
    names = ["strategy.py", "equity.csv", "figures.json"]
    async with lab(browser, server) as page:
        cards = await put(page, *(artifacts[name] for name in names))
        code, curve, figures = (cards.nth(index) for index in range(3))

        lines = artifacts["strategy.py"]["text"].splitlines()
        await expect(code.locator(".chunk > div")).to_have_count(len(lines))
        await code.locator(".lines").evaluate("node => getSelection().selectAllChildren(node)")
        selected = await page.evaluate("String(getSelection())")
        assert selected.splitlines() == lines

        await expect(curve.locator("text.group")).to_have_text(["train", "validation", "held_out"])
        await expect(curve.locator("path.line")).to_have_count(2)
        await expect(curve.get_by_role("img")).to_have_attribute(
            "aria-label", re.compile("Chart of .* points along date, 2000-")
        )
        await curve.get_by_role("button", name="Table").click()
        rows = artifacts["equity.csv"]["text"].count("\n") - 1
        await expect(curve.locator("data-table")).to_contain_text(f"{rows:,} rows × 4 columns")
        assert await curve.locator("tbody tr").count() < 100

        await expect(figures.get_by_role("treeitem").first).to_contain_text("accepted")


async def test_a_report_tells_the_figures_of_its_run(
    browser: Browser, server: Server, api: Api
) -> None:
    """The table has the result's own figures; each artifact is fetched once."""
    session, events = await strategy_run(api)
    result = events[-1]["data"]["result"]
    async with lab(browser, server) as page:
        shown = await report(page, session, outline(events))
        await expect(shown.locator("text.group").first).to_contain_text("Training 2000")
        sharpe = shown.get_by_role("row", name="Sharpe ratio").get_by_role("cell")
        wanted = [
            f"{result['figures'][period][kind]['sharpe']:.2f}".replace("-", "−")
            for period in ("train", "validation", "held_out")
            for kind in ("strategy", "buy_and_hold")
        ]
        await expect(sharpe).to_have_text(wanted)
        verdict = "Accepted" if result["accepted"] else "Not accepted"
        await expect(shown.locator(".word")).to_have_text(verdict)
        await expect(shown.locator(".missed li")).to_have_text(result["missed"])
        await expect(shown.locator(".lines")).to_contain_text("def weights")
        await page.evaluate("run => { reported.show(run); reported.show(run); }", outline(events))
        fetched = await page.evaluate("reported.fetched")
        assert len(fetched) == len(set(fetched)) == 2


async def test_a_report_grows_with_its_run(browser: Browser, server: Server, api: Api) -> None:
    """It is there with the first artifact and says what is still to come."""
    session, events = await strategy_run(api)
    offsets = [event["offset"] for event in events if event["type"] == "artifact"]
    async with lab(browser, server) as page:
        shown = await report(page, session, outline(events, offsets[0] - 1))
        await expect(shown).to_be_hidden()
        await page.evaluate("run => reported.show(run)", outline(events, offsets[0]))
        await expect(shown.locator(".word")).to_have_text("Searching")
        await expect(shown.locator(".lines")).to_contain_text("def weights")
        await expect(shown.locator(".curve")).to_contain_text("Comes when the search is over.")
        await page.evaluate("run => reported.show(run)", outline(events, offsets[-1]))
        await expect(shown.get_by_role("row", name="Trading days")).to_contain_text("756")
        await page.evaluate("run => reported.show(run)", {**outline(events), "workflow": "echo"})
        await expect(shown).to_be_hidden()


async def test_what_cannot_be_fetched_is_said_and_can_be_tried_again(
    browser: Browser, server: Server, api: Api
) -> None:
    """A failed fetch leaves the rest of the report and a button."""
    session, events = await strategy_run(api)
    async with lab(browser, server) as page:
        await page.route("**/events?*", lambda route: route.abort())
        shown = await report(page, session, outline(events))
        await expect(shown.locator(".curve .problem")).to_contain_text("could not be fetched")
        await expect(shown.get_by_role("row", name="Sharpe ratio")).to_be_visible()
        await page.unroute("**/events?*")
        await shown.locator(".curve").get_by_role("button", name="Try again").click()
        await expect(shown.locator("path.line")).to_have_count(2)
        await expect(shown.locator(".curve .problem")).to_be_hidden()


async def test_hostile_contents_are_only_ever_shown(browser: Browser, server: Server) -> None:
    """Markup, drawings with scripts, formulas and odd keys run nothing and ask for nothing."""
    markup = "\n".join(HOSTILE)
    cells = "\n".join(['"' + each.replace('"', '""') + '",1' for each in HOSTILE])
    odd = {"__proto__": {"x": markup}, **dict.fromkeys(HOSTILE, HOSTILE)}
    nested: Any = odd
    for _ in range(126):
        nested = {"<b>": nested}
    contents = [
        *(text(f"{each}.html", each, each) for each in HOSTILE),
        text("page.html", "text/html", markup),
        text("page.xhtml", "application/xhtml+xml", markup),
        text("drawing.svg", "image/svg+xml", SVG),
        coded("drawing.svg", "image/svg+xml", SVG.encode()),
        coded("drawing.png", "image/png", SVG.encode()),
        text("words.md", "text/markdown", f"[x](javascript:document.title='owned')\n{markup}"),
        text(
            "table.csv", "text/csv", f'"<b>{HOSTILE[0].replace(chr(34), chr(34) * 2)}",n\n{cells}'
        ),
        text("odd.json", "application/json", json.dumps(odd)),
        text("deep.json", "application/json", json.dumps(nested)),
        text("rows.json", "application/json", json.dumps([{"__proto__": 1, "t": 2}] * 3)),
        text("x.diff", "text/x-diff", f"--- a\n+++ b\n@@ -1 +1 @@\n-{HOSTILE[0]}\n+{HOSTILE[1]}"),
    ]
    async with lab(browser, server) as page:
        cards = await put(page, *contents)
        await expect(cards).to_have_count(len(contents))
        for card in await cards.all():
            for view in await card.locator(".views button").all():
                await view.click()
                closed = card.locator("[aria-expanded=false] > .row")
                for _ in range(10):
                    if await closed.count():
                        await closed.first.click()
                for tree in await card.locator("json-tree").all():
                    assert "\u202e" not in await tree.inner_text()
        assert await page.locator("script[src], iframe, object, embed, a, base, form").count() == 0
        assert await page.locator("main script").count() == 0
        assert await page.evaluate("Object.keys(Object.prototype)") == []


async def test_a_broken_image_says_so_and_a_good_one_has_its_room_at_once(
    browser: Browser, server: Server
) -> None:
    """What follows an image does not move when the image is there."""
    async with lab(browser, server) as page:
        await page.evaluate(
            "globalThis.shifts = []; new PerformanceObserver((list) =>"
            " shifts.push(...list.getEntries().map(({ value }) => value))"
            ").observe({ type: 'layout-shift', buffered: true })"
        )
        cards = await put(
            page,
            coded("good.png", "image/png", png(300, 200)),
            text("drawing.svg", "image/svg+xml", SVG),
            text("words.txt", "text/plain", "after it"),
        )
        await expect(cards.nth(0)).to_contain_text("300 × 200 pixels")
        await expect(cards.nth(0).get_by_role("img", name="good.png")).to_be_visible()
        await page.evaluate("new Promise(requestAnimationFrame)")
        assert await page.evaluate("shifts") == []
        broken = await put(page, coded("bad.png", "image/png", b"nothing"))
        await expect(broken).to_contain_text("no image that this browser can read")


async def test_what_is_wrong_is_said_over_the_text_as_it_is(
    browser: Browser, server: Server
) -> None:
    """Bad JSON, bad CSV and bad base64 are still there to read."""
    async with lab(browser, server) as page:
        cards = await put(
            page,
            text("a.json", "application/json", '{"a": '),
            text("a.csv", "text/csv", 'a,b\n"1,2'),
            {"name": "a.bin", "media_type": "text/plain", "base64": "***"},
        )
        told = [("Not JSON", '{"a":'), ("never closed", '"1,2'), ("base64", "***")]
        for index, (problem, shown) in enumerate(told):
            await expect(cards.nth(index).locator(".told")).to_contain_text(problem)
            await expect(cards.nth(index).locator(".lines")).to_contain_text(shown)


async def test_a_large_artifact_is_read_when_it_is_opened_and_stays_small(
    browser: Browser, server: Server
) -> None:
    """A mebibyte of any kind is closed at first; opened, only its lines are many nodes."""
    rows = "a,b,c\n" + "12345,67890,some words\n" * (MIB // 23)
    wide = ",".join("ab" for _ in range(MIB // 6)) + "\n" + ",".join("12" for _ in range(MIB // 6))
    contents = {
        "rows.csv": ("text/csv", rows, 3000),
        "wide.csv": ("text/csv", wide, 3000),
        "numbers.json": ("application/json", json.dumps(list(range(150_000))), 3000),
        "keys.json": ("application/json", json.dumps({f"k{i}": i for i in range(70_000)}), 3000),
        "string.json": ("application/json", json.dumps("x" * (MIB - 9)), 3000),
        "line.js": ("text/javascript", "x" * MIB, 3000),
        "lines.py": ("text/x-python", "x = 'a line of it'\n" * (MIB // 19), 200_000),
        "words.txt": ("text/plain", "some words of it " * (MIB // 17), 3000),
        "word.txt": ("text/plain", "x" * MIB, 3000),
        "many.csv": ("text/csv", "\n".join(["x", *["1"] * (MIB // 2)]), 3000),
    }
    async with lab(browser, server) as page:
        for name, (media_type, content, most) in contents.items():
            card = await put(page, text(name, media_type, content))
            assert await card.locator(".body > *").count() == 0, name
            await card.get_by_role("button", name=name).click()
            await expect(card.locator(".body")).to_be_visible()
            assert await page.evaluate("document.querySelectorAll('*').length") < most, name


async def test_a_choice_outlives_a_card(browser: Browser, server: Server) -> None:
    """A card that is made anew for the same event is as its reader left it."""
    async with lab(browser, server) as page:
        await page.evaluate(
            "async () => {"
            " const { artifact } = await import('/static/page/artifacts/artifact.js');"
            " const data = { name: 'a.csv', media_type: 'text/csv', text: 'n,a\\n1,2\\n3,4' };"
            " globalThis.again = () =>"
            "  document.querySelector('main').replaceChildren(artifact(data)); again(); }"
        )
        await page.get_by_role("button", name="Table").click()
        await page.evaluate("again()")
        await expect(page.get_by_role("button", name="Table", pressed=True)).to_be_visible()
        await expect(page.locator("data-table")).to_be_visible()
        await page.get_by_role("button", name="a.csv").click()
        await page.evaluate("again()")
        await expect(page.locator(".body")).to_be_hidden()


async def test_a_table_is_ordered_by_its_heads_and_scrolled_to_its_end(
    browser: Browser, server: Server
) -> None:
    """Thousands of rows are sorted by keyboard, and any of them can be reached."""
    rows = "\n".join(f"w{i},{(i * 7919) % 5000}" for i in range(5000))
    async with lab(browser, server) as page:
        card = await put(page, text("a.csv", "text/csv", f"word,number\n{rows}"))
        await card.get_by_role("button", name="Table").click()
        head = card.get_by_role("columnheader", name="number")
        await head.get_by_role("button").focus()
        await page.keyboard.press("Enter")
        await expect(head).to_have_attribute("aria-sort", "ascending")
        await expect(card.locator("tbody tr:not(.gap)").first).to_contain_text("w0")
        await page.keyboard.press("Enter")
        await expect(head).to_have_attribute("aria-sort", "descending")
        await expect(card.locator("tbody td.number").first).to_have_text("4999")
        await card.locator(".scroller").evaluate("node => node.scrollTo(0, node.scrollHeight)")
        await expect(card.locator("[aria-rowindex='5001']")).to_be_visible()
        await expect(card.locator("[aria-rowindex='5001'] .number")).to_have_text("0")
        assert await card.locator("tbody tr").count() < 100


async def test_a_chart_is_walked_with_the_keys_and_drawn_to_its_room(
    browser: Browser, server: Server
) -> None:
    """The crosshair tells values; a line that is turned off is gone; a narrow page is redrawn."""
    async with lab(browser, server) as page:
        card = await put(page, text("a.csv", "text/csv", "step,a,b\n1,10,5\n2,1000,6\n3,30,7"))
        await expect(card.locator("path.line")).to_have_count(2)
        slider = card.get_by_role("slider")
        await slider.focus()
        await page.keyboard.press("Home")
        await page.keyboard.press("ArrowRight")
        await expect(slider).to_have_attribute("aria-valuetext", "2: a 1,000, b 6")
        await expect(card.locator(".readout")).to_contain_text("1,000")
        high = await card.locator("path.line").first.get_attribute("d")
        await card.get_by_role("button", name="Log scale").click()
        assert await card.locator("path.line").first.get_attribute("d") != high
        await card.get_by_role("button", name="a", exact=True).click()
        await expect(card.locator("path.line")).to_have_count(1)
        await page.set_viewport_size({"width": 390, "height": 800})
        await expect(card.get_by_role("img")).to_have_attribute(
            "viewBox", f"0 0 {await card.locator('.stage').evaluate('n => n.clientWidth')} 240"
        )
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_a_tree_is_walked_with_the_arrows_and_copied_from(
    browser: Browser, server: Server
) -> None:
    """Arrows open, close and move; long arrays come by the hundred; a path can be pasted."""
    value = {"many": list(range(250)), "weird key": {"x": [None, "y"]}}
    async with lab(browser, server, permissions=["clipboard-read", "clipboard-write"]) as page:
        card = await put(page, text("a.json", "application/json", json.dumps(value)))
        items = card.get_by_role("treeitem")
        await items.first.focus()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowRight")
        await expect(items.nth(1)).to_have_attribute("aria-expanded", "true")
        await page.keyboard.press("ArrowRight")
        await expect(card.locator(".path")).to_have_text("$.many[0]")
        await card.get_by_text("Show 100 more of 150").click()
        await card.get_by_text("Show 50 more of 50").click()
        await expect(card.locator(".path")).to_have_text("$.many[200]")
        await page.keyboard.press("ArrowLeft")
        await page.keyboard.press("ArrowLeft")
        await expect(items.nth(1)).to_have_attribute("aria-expanded", "false")
        await page.keyboard.press("End")
        await expect(card.locator(".path")).to_have_text('$["weird key"]')
        await page.keyboard.press("Enter")
        await page.keyboard.press("End")
        await card.get_by_role("button", name="Copy path").click()
        assert await page.evaluate("navigator.clipboard.readText()") == '$["weird key"].x'
        await card.get_by_role("button", name="Copy value").click()
        assert json.loads(await page.evaluate("navigator.clipboard.readText()")) == [None, "y"]


@pytest.mark.parametrize(
    ("data", "name", "content"),
    [
        (text("../a\u202e.html", "text/html", "<b>\u00e4"), "a_.html", "<b>\u00e4".encode()),
        (coded("b.png", "image/png", png(3, 2)), "b.png", png(3, 2)),
    ],
)
async def test_what_is_saved_are_its_bytes_under_a_plain_name(
    browser: Browser,
    server: Server,
    data: dict[str, str],
    name: str,
    content: bytes,
) -> None:
    """A download is never a page of this origin; its name leads nowhere."""
    async with lab(browser, server) as page:
        card = await put(page, data)
        async with page.expect_download() as coming:
            await card.get_by_role("button", name="Download").click()
        download = await coming.value
        assert download.suggested_filename == name
        with TemporaryDirectory() as folder:
            await download.save_as(f"{folder}/saved")
            assert Path(folder, "saved").read_bytes() == content
        assert page.url.endswith("/lab")


async def test_thousands_of_lines_are_selected_as_they_are_and_numbered_where_they_are_seen(
    browser: Browser, server: Server
) -> None:
    """Lines out of sight are there as text, and get their numbers when they are scrolled to."""
    lines = ["" if i % 7 == 0 else f"line {i}" for i in range(1, 9001)]
    async with lab(browser, server) as page:
        card = await put(page, text("a.py", "text/x-python", "\n".join(lines)))
        view = card.locator(".lines")
        assert await card.locator(".chunk > div").count() <= 3000
        height = await view.evaluate("node => node.scrollHeight")
        await view.evaluate("node => node.scrollTo(0, node.scrollHeight)")
        await expect(card.locator(".chunk").last.locator("div").last).to_have_text("line 9000")
        await expect(card.locator(".chunk").last.locator("div").last).to_be_in_viewport()
        assert await view.evaluate("node => node.scrollHeight") == height
        await view.evaluate("node => getSelection().selectAllChildren(node)")
        assert (await page.evaluate("String(getSelection())")).rstrip("\n").split("\n") == lines


async def test_a_line_of_any_length_is_shown_piece_by_piece(
    browser: Browser, server: Server
) -> None:
    """A long line begins with 2,000 characters and brings more for the asking."""
    async with lab(browser, server) as page:
        card = await put(page, text("a.js", "text/javascript", "x" * 30_000 + "\nend"))
        line = card.locator(".chunk > div").first
        await line.get_by_role("button", name="28,000 more").click()

        async def grown() -> bool:
            shown = await line.evaluate("node => node.textContent.match(/^x+/)[0].length")
            return bool(shown == 22_000)

        await eventually(grown, "22,000 characters")
        await line.get_by_role("button", name="8,000 more").click()
        await expect(line.get_by_role("button")).to_have_count(0)

"""Forms from schemas, in a real browser: what is typed is what a run gets, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.chromium import needs_chromium, tab
from tests.browser.mounting import mount
from tests.system.api import Api, fresh
from tests.system.flows.inputs import QUESTIONS
from tests.system.patience import PATIENCE
from tests.system.processes import Server, StartServer

pytestmark = needs_chromium
expect.set_options(timeout=PATIENCE * 1000)

ASKED = Path(__file__).parent / "js" / "asked.js"
BIG = 9_007_199_254_740_993


async def open_form(page: Page, url: str, **wanted: object) -> None:
    """Show the start form with the server's workflows, opened with what is wanted."""
    await mount(page, url, "start-form", "/static/page/start/start-form.js")
    await page.evaluate(
        "async (wanted) => { const { listWorkflows } = await import('/static/page/api.js');"
        " part.show(await listWorkflows()); part.open(wanted); }",
        wanted,
    )


def field(page: Page, name: str) -> Locator:
    """Return the place of one value, by its name."""
    return page.locator(f'.field[data-name="{name}"]').first


async def fill(page: Page, name: str, text: str) -> None:
    """Type into the control of that value."""
    await field(page, name).locator("input, textarea").first.fill(text)


async def choose(page: Page, name: str, words: str) -> None:
    """Choose one of the words in that value's control."""
    label = field(page, name).locator(".segments > label", has_text=words)
    await label.first.click()


async def press(page: Page, name: str, words: str) -> None:
    """Press a button at that value."""
    await field(page, name).get_by_role("button", name=words).first.click()


async def started(page: Page) -> Any:
    """Press Start, which must lead to a start; return the input as it is sent, exactly."""
    await page.get_by_role("button", name="Start", exact=True).click()
    return await page.evaluate(
        "async () => { const { write } = await import('/static/page/start/exact.js');"
        " const { input } = fired.findLast(({ name }) => name === 'start');"
        " part.done(); return write(input); }"
    )


async def run_it(page: Page, api: Api, workflow: str) -> tuple[Any, Any]:
    """Press Start and start it as the page does; return the run's input and its result."""
    await page.get_by_role("button", name="Start", exact=True).click()
    session = fresh()
    await page.evaluate(
        "async ([session, workflow]) => { const { startRun } = await import('/static/page/api.js');"
        " const { input } = fired.findLast(({ name }) => name === 'start');"
        " await startRun(session, workflow, input); part.done(); }",
        [session, workflow],
    )
    events = await api.ended(session)
    assert events[-1]["type"] == "complete", events[-1]
    return events[0]["data"]["input"], events[-1]["data"]["result"]


async def test_what_is_left_alone_is_left_out(browser: Browser, server: Server, api: Api) -> None:
    """Only what is needed was filled in: only that is sent, and the defaults hold."""
    async with tab(browser) as page:
        await open_form(page, server.url, workflow="every_input")
        await fill(page, "topic", "winds")
        given, result = await run_it(page, api, "every_input")
    assert given == {"topic": "winds"}
    assert (result["rounds"], result["big"], result["tags"]) == (2, BIG, ["news"])
    assert (result["pair"], result["budget"], result["depth"]) == (["a", 1], None, "middle")


async def test_every_kind_of_input_is_drawn(browser: Browser, server: Server, api: Api) -> None:
    """What was typed and chosen arrives in the workflow, as the types that it asks for."""
    async with tab(browser) as page:
        await open_form(page, server.url, workflow="every_input")
        await fill(page, "topic", "two\nlines")
        await fill(page, "rounds", "9")
        await fill(page, "name", "some_body")
        await fill(page, "ratio", "0.25")
        await field(page, "even").locator("input").press("ArrowUp")
        await fill(page, "big", str(BIG + 2))
        await choose(page, "polite", "no")
        await choose(page, "depth", "deep")
        await choose(page, "style", "3")
        await fill(page, "seed", "-7")
        await fill(page, "note", "no")
        await press(page, "note", "none for note")
        await choose(page, "stop_after", "text")
        await field(page, "stop_after").locator("textarea").fill("noon")
        await fill(page, "day", "2026-11-22")
        await press(page, "budget", "Set budget")
        await fill(page, "tokens", "5")
        await press(page, "sources", "Add")
        await fill(page, "url", "https://a.example")
        await field(page, "tags").get_by_label("papers").check()
        await fill(page, "1", "b")
        await choose(page, "search", "files")
        await fill(page, "folder", "/tmp")
        await press(page, "headers", "Add an entry")
        await field(page, "headers").get_by_label("name of the entry").fill("x")
        await field(page, "headers").get_by_label("value of x").fill("y")
        await press(page, "extra", "Set extra")
        await fill(page, "extra", f'{{"a": [{BIG}]}}')
        given, _ = await run_it(page, api, "every_input")
    assert given == {
        "topic": "two\nlines",
        "rounds": 9,
        "name": "some_body",
        "ratio": 0.25,
        "even": 6,
        "big": BIG + 2,
        "polite": False,
        "depth": "deep",
        "style": 3,
        "seed": -7,
        "note": None,
        "stop_after": "noon",
        "day": "2026-11-22",
        "budget": {"tokens": 5},
        "sources": [{"url": "https://a.example"}],
        "tags": ["papers"],
        "pair": ["b", 1],
        "search": {"type": "files", "folder": "/tmp"},
        "headers": {"x": "y"},
        "extra": {"a": [BIG]},
    }


async def test_the_same_input_again(browser: Browser, server: Server, api: Api) -> None:
    """An input that is filled in and not touched is sent as it was, digit by digit."""
    given = f'{{"topic":"a","big":{BIG},"ratio":0.50,"note":"","seed":-0,"headers":{{"":"x"}}}}'
    async with tab(browser) as page:
        await open_form(page, server.url)
        await page.evaluate(
            "async (text) => { const { parse } = await import('/static/page/start/exact.js');"
            " part.open({ workflow: 'every_input', input: parse(text), session: 'again' }); }",
            given,
        )
        again = await started(page)
        assert await page.evaluate("fired.at(-1).session") == "again"
    assert sorted(again.strip("{}").split(",")) == sorted(given.strip("{}").split(","))


async def test_what_is_missing_is_said_before_anything_is_sent(
    browser: Browser, server: Server
) -> None:
    """Each value that is needed says so, the first gets the focus, and nothing is started."""
    async with tab(browser) as page:
        await open_form(page, server.url, workflow="needs_much")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("alert").first).to_have_text("6 values are not right yet.")
        text = field(page, "text").locator("textarea")
        await expect(text).to_be_focused()
        await expect(text).to_have_attribute("aria-invalid", "true")
        await expect(field(page, "tokens").locator(".problem")).to_have_text("Needs a value")
        assert await page.evaluate("fired") == []
        await text.fill("x")
        await expect(text).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"topic": "a", "rounds": 12}, "rounds"),
        ({"topic": "a", "budget": {"tokens": 0}}, "tokens"),
        ({"topic": "a", "sources": [{"url": "http://x"}, {"url": "ftp://x"}]}, "url"),
        ({"topic": "a", "pair": ["x", "y"]}, "2"),
    ],
)
async def test_the_servers_refusal_is_said_at_its_field(
    browser: Browser, server: Server, given: dict[str, Any], at: str
) -> None:
    """The path of a real 422 leads to the value that it is about."""
    async with tab(browser) as page:
        await open_form(page, server.url, workflow="every_input", input=given)
        told = await page.evaluate(
            "async (input) => { const { startRun } = await import('/static/page/api.js');"
            " return startRun('refused', 'every_input', input).catch((error) => {"
            "  part.refused(error.message, error.path); return { ...error }; }); }",
            given,
        )
        assert (told["code"], told["status"]) == ("invalid_input", 422)
        wrong = page.locator(".field[data-wrong]")
        await expect(wrong).to_have_count(1)
        await expect(wrong).to_have_attribute("data-name", at)
        assert await wrong.evaluate("node => node.contains(document.activeElement)")


async def test_the_form_is_busy_until_it_is_told(browser: Browser, server: Server) -> None:
    """While the server is asked, no second run is started; a refusal gives the button back."""
    async with tab(browser) as page:
        await open_form(page, server.url, workflow="echo")
        await page.keyboard.press("Control+Enter")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("button", name="Starting…")).to_be_disabled()
        assert await page.evaluate("fired.length") == 1
        await page.evaluate("part.refused('No place is free.')")
        await expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
        await expect(page.get_by_role("alert").first).to_have_text("No place is free.")


async def test_what_was_typed_for_each_workflow_is_kept(browser: Browser, server: Server) -> None:
    """Looking at another workflow, or listing them again, loses nothing."""
    async with tab(browser) as page:
        await open_form(page, server.url, workflow="echo")
        await fill(page, "text", "half a sen")
        await page.get_by_label("Find a workflow").fill("countd")
        await page.keyboard.press("Enter")
        await expect(page.locator(".start-title")).to_have_text("countdown")
        await page.evaluate(
            "async () => { const { listWorkflows } = await import('/static/page/api.js');"
            " part.show(await listWorkflows()); part.open({ workflow: 'echo' }); }"
        )
        await expect(field(page, "text").locator("textarea")).to_have_value("half a sen")


async def test_a_workflow_that_is_broken_cannot_be_chosen(
    browser: Browser, start_server: StartServer
) -> None:
    """It is listed with its error; the first sound one is chosen."""
    server = start_server(WORKFLOWS="tests.system.broken_flows")
    async with tab(browser) as page:
        await open_form(page, server.url)
        broken = page.locator(".start-workflow", has_text="no data for this module")
        await expect(broken.locator("input")).to_be_disabled()
        await expect(page.locator(".start-title")).to_have_text("sound")
        await page.evaluate("part.open({ workflow: 'same' })")
        await expect(page.get_by_role("alert").first).to_contain_text("cannot be started")


async def test_a_session_of_ones_own_is_an_id(browser: Browser, server: Server) -> None:
    """The session's id is checked before it is sent; empty means a new one."""
    async with tab(browser) as page:
        await open_form(page, server.url, workflow="echo")
        await started(page)
        assert await page.evaluate("fired.at(-1).session") is None
        await page.locator("summary").click()
        await page.get_by_label("id", exact=True).fill("no id")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".start-more .problem")).to_contain_text("1 to 64")
        await page.get_by_label("id", exact=True).fill("my-session")
        await page.keyboard.press("Control+Enter")
        assert await page.evaluate("fired.at(-1).session") == "my-session"


async def ask(page: Page, api: Api, server: Server, *kinds: str) -> tuple[str, str]:
    """Run a workflow that asks, and show its questions; return the session and the run."""

    async def serve(route: Route) -> None:
        await route.fulfill(path=ASKED, content_type="text/javascript")

    session = fresh()
    run = (await api.start(session, "asks_everything", only=list(kinds)))["id"]
    await page.route("**/js/asked.js", serve)
    await show_questions(page, server, session)
    return session, run


async def show_questions(page: Page, server: Server, session: str) -> None:
    """Show the questions of a session's newest run."""
    await mount(page, server.url, "run-questions", "/static/page/run/run-questions.js")
    await page.evaluate(
        "async (session) => { const { asked } = await import('/js/asked.js');"
        " globalThis.kept = asked(session, part); }",
        session,
    )


async def test_every_kind_of_question_is_answered(
    browser: Browser, server: Server, api: Api
) -> None:
    """A question is a form for its schema, and each answer is a line once it is in the log."""
    async with tab(browser) as page:
        session, _ = await ask(page, api, server)
        answered = page.locator(".question[data-state=answered]")
        pending = page.locator(".question:not([data-state])")

        async def send(done: int) -> None:
            await pending.get_by_role("button", name="Answer").click()
            await expect(answered).to_have_count(done)

        await pending.get_by_role("button", name="Yes").click()
        await expect(answered.locator("code").first).to_have_text("true")
        await pending.locator("input").fill("3")
        await send(2)
        await pending.locator("textarea").fill("a name")
        await send(3)
        await pending.get_by_role("button", name="straight on").click()
        await expect(answered).to_have_count(4)
        await fill(page, "tokens", "5")
        await send(5)
        await pending.locator("textarea").fill("no more")
        await pending.get_by_role("button", name="Answer").click()
        result = (await api.ended(session))[-1]["data"]["result"]
    assert result == dict(
        zip(QUESTIONS, [True, 3, "a name", "straight on", {"tokens": 5}, "no more"], strict=True)
    )


async def test_a_question_survives_a_reload_and_typing_survives_changes(
    browser: Browser, server: Server, api: Api
) -> None:
    """The question is drawn from the log again; whatever else happens leaves what is typed."""
    async with tab(browser) as page:
        session, _ = await ask(page, api, server, "text")
        await expect(page.locator(".question")).to_have_count(1)
        await show_questions(page, server, session)
        await page.locator(".question textarea").fill("half a na")
        await page.evaluate("kept.show(); part.show(null); kept.show()")
        await expect(page.locator(".question textarea")).to_have_value("half a na")
        assert await page.evaluate("document.activeElement.tagName") in ("TEXTAREA", "BODY")
        await page.locator(".question textarea").fill("half a name")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".question-answer")).to_contain_text('"half a name" from here')


async def test_whoever_answers_answers_for_all(browser: Browser, server: Server, api: Api) -> None:
    """In another reader's page the form gives way to the answer."""
    async with tab(browser) as page:
        _, run = await ask(page, api, server, "text")
        await page.locator(".question textarea").fill("mine")
        await api.call("POST", f"/api/runs/{run}/input", {"request": "q1", "value": "theirs"})
        await expect(page.locator(".question-answer")).to_contain_text("theirs")
        await expect(page.locator(".question-answer")).to_contain_text("by somebody")
        await expect(page.locator(".question textarea")).to_have_count(0)


async def test_a_refused_answer_keeps_what_was_typed(
    browser: Browser, server: Server, api: Api
) -> None:
    """What the schema refuses is said at once, what the server refuses when it has; both stay."""
    async with tab(browser) as page:
        await ask(page, api, server, "whole number")
        box = page.locator(".question input")
        await box.fill("12")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".field .problem")).to_have_text("Must be at most 9")
        await expect(box).to_be_focused()
        assert await page.evaluate("fired") == []
        await page.evaluate("part.refused('q1', 'value: 12 is no good', 'value')")
        await expect(page.locator(".field .problem")).to_have_text("12 is no good")
        await page.evaluate("part.refused('q1', 'Nobody asks this any more.')")
        await expect(page.locator(".question > .problem")).to_have_text(
            "Nobody asks this any more."
        )
        await expect(box).to_have_value("12")


async def test_a_question_of_a_run_that_ended_is_void(
    browser: Browser, server: Server, api: Api
) -> None:
    """When its run is cancelled the question says that nobody asks it any more."""
    async with tab(browser) as page:
        _, run = await ask(page, api, server, "boolean")
        await expect(page.get_by_role("button", name="Yes")).to_be_visible()
        await api.call("POST", f"/api/runs/{run}/cancel")
        await expect(page.locator(".question-answer")).to_contain_text("the run has ended")


async def test_a_start_whose_answer_was_lost_is_one_run(
    browser: Browser, server: Server, api: Api
) -> None:
    """The second try carries the same key, and finds the run that the first one started."""
    session = fresh()
    tries = 0

    async def lose(route: Route) -> None:
        nonlocal tries
        tries += 1
        if tries > 1:
            return await route.continue_()
        await route.fetch()
        return await route.abort()

    async with tab(browser) as page:
        await mount(page, server.url, "start-form", "/static/page/start/start-form.js")
        await page.route("**/runs", lose)
        run = await page.evaluate(
            "async (session) => { const { startRun } = await import('/static/page/api.js');"
            " return startRun(session, 'echo', {}); }",
            session,
        )
    runs = (await api.call("GET", f"/api/sessions/{session}/runs")).json["runs"]
    assert [each["id"] for each in runs] == [run["id"]]
    assert tries == 2


async def test_calls_say_what_went_wrong(browser: Browser, server: Server, api: Api) -> None:
    """Refusals carry the server's words, code and path; no answer at all is `unreachable`."""
    async with tab(browser) as page:
        await mount(page, server.url, "start-form", "/static/page/start/start-form.js")

        async def wrong(call: str) -> dict[str, Any]:
            return dict(
                await page.evaluate(
                    "async () => { const api = await import('/static/page/api.js');"
                    f" return {call}.then(() => null,"
                    " ({ name, message, ...more }) => ({ name, message, ...more })); }"
                )
            )

        missing = await wrong("api.getSession('nobody-asked')")
        assert (missing["name"], missing["code"], missing["status"]) == (
            "ApiError",
            "not_found",
            404,
        )
        assert (await wrong("api.listSessions({ limit: 5000 })"))["path"] == "limit"
        await page.context.set_offline(True)
        gone = await wrong("api.listSessions()")
        assert (gone["code"], gone["status"]) == ("unreachable", 0)


async def test_a_page_of_events_keeps_its_numbers(
    browser: Browser, server: Server, api: Api
) -> None:
    """Read exactly, an input that JavaScript has no number for can be filled in again."""
    session = fresh()
    await api.start(session, "returns", value=BIG)
    await api.ended(session)
    async with tab(browser) as page:
        await mount(page, server.url, "start-form", "/static/page/start/start-form.js")
        told = await page.evaluate(
            "async (session) => { const api = await import('/static/page/api.js');"
            " const { write } = await import('/static/page/start/exact.js');"
            " const address = api.sessionAddress(session);"
            " const types = ['run_start'];"
            " const { events } = await api.readEvents({ address, types, exact: true });"
            " return write(events[0].data.input); }",
            session,
        )
    assert json.loads(told) == {"value": BIG}

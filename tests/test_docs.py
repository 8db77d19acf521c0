"""The documentation says what the code says: names, values, links, examples, greps."""

import ast
import asyncio
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import apsw
import msgspec
import pytest
from playwright.async_api import Page

from chaos.network import BadNetwork, cutting
from docs.examples.follow import follow
from server import errors, events, telemetry
from server.sessions.bye import Bye
from server.settings import Settings
from server.web.many import MAX_SUBSCRIPTIONS
from server.web.messages import MANY
from server.web.openapi import shapes
from server.web.routes import application
from server.web.websocket import BAD_REQUEST, CLOSE_CODES
from tests.browser.chromium import chromium, needs_chromium, tab
from tests.system import nginx as proxies
from tests.system.api import Api, fresh
from tests.system.processes import FLOWS, ROOT, Server, StartServer
from tests.system.readers import Reader, listen
from tests.system.transports import event_stream, websocket
from workflows.runtime.context import RESERVED_TYPES

PROTOCOL = ROOT / "docs/protocol.md"
OPERATIONS = ROOT / "docs/operations.md"
EXAMPLES = ROOT / "docs/examples"
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")],
    key=lambda path: path.relative_to(ROOT).as_posix(),
)
CONTROL_FRAMES = {"ready", "reset", "heartbeat", "bye"}
ANSWERS = {"ok", "refused", "pong"}


# -- reading Markdown


def name(path: Path) -> str:
    """Return a document's name for a test's id."""
    return path.relative_to(ROOT).as_posix()


def section(path: Path, heading: str) -> str:
    """Return the text below a heading of the second level."""
    parts = re.split(r"^## (.*)$", path.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]


def table(text: str, first: str) -> list[list[str]]:
    """Return the cells of the table whose first column has that heading."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" |")])
    return rows


def codes(cell: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def first_column(path: Path, heading: str, first: str) -> set[str]:
    """Return the names in the first column of a table, each of them once."""
    found = [code for row in table(section(path, heading), first) for code in codes(row[0])]
    assert len(found) == len(set(found)), f"documented twice: {found}"
    return set(found)


class Block(msgspec.Struct):
    """A fenced block: ``python examples/greet.py`` is the info string of one."""

    path: Path
    info: str
    text: str


def blocks() -> Iterator[Block]:
    """Yield the fenced blocks of all documents."""
    for path in DOCUMENTS:
        for info, text in re.findall(r"^```(.*)\n([\s\S]*?)^```$", path.read_text(), re.MULTILINE):
            yield Block(path, info, text)


def prose(path: Path) -> str:
    """Return a document without its fenced blocks."""
    return re.sub(r"^```[\s\S]*?^```$", "", path.read_text(), flags=re.MULTILINE)


# -- reading the code


def calls(folder: str) -> Iterator[ast.Call]:
    """Yield every call in the Python files of a folder."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield node


def said(call: ast.Call) -> str | None:
    """Return the first argument where it is a text in the code."""
    match call.args:
        case [ast.Constant(value=str(text)), *_]:
            return text
    return None


def logged() -> set[str]:
    """Return the name of every line that the server can log."""
    found = set()
    for call in calls("server"):
        match call.func:
            case (
                ast.Attribute(
                    attr="debug" | "info" | "warning" | "error" | "exception",
                    value=ast.Name(id="log") | ast.Attribute(attr="log" | "_log"),
                )
                | ast.Name(id="tell")
            ):
                found.add(said(call))
    assert None not in found, "the name of a log line is a text in the code, to be found by it"
    return {text for text in found if text}


def emitted() -> set[str]:
    """Return the type of every event that the SDK and the child's runtime emit by themselves."""
    found = set()
    for call in calls("workflows/runtime"):
        match call.func:
            case ast.Attribute(attr="emit" | "_put" | "event"):
                found.add(said(call))
    return {text for text in found if text}


def kinds(root: type[errors.KeepstreamError]) -> Iterator[type[errors.KeepstreamError]]:
    """Yield an error class and all that derive from it."""
    yield root
    for child in root.__subclasses__():
        yield from kinds(child)


def routes() -> set[str]:
    """Return `METHOD /path` of everything that is served, the page's own files aside."""
    app = application(Settings())
    found = {(route.method, route.resource) for route in app.router.routes()}
    served = {f"{method} {resource.canonical}" for method, resource in found if resource}
    return {route for route in served if "/static" not in route}


# -- names and values


def test_every_setting_is_documented() -> None:
    """The table of settings has exactly the variables that are read."""
    settings = {field.upper() for field in Settings.__struct_fields__}
    assert first_column(PROTOCOL, "Settings", "setting") == settings


def test_defaults_of_settings_are_documented() -> None:
    """The default in the table is the one in the code."""
    defaults = {field.name.upper(): field.default for field in msgspec.structs.fields(Settings)}
    for names, shown, _ in table(section(PROTOCOL, "Settings"), "setting"):
        default = defaults[codes(names)[0]]
        if isinstance(default, tuple):
            default = ",".join(default)
        text = str(int(default)) if isinstance(default, bool | int | float) else str(default)
        assert shown.strip("`") == text, names


def test_every_route_is_documented() -> None:
    """The table of calls has exactly the addresses that are served."""
    assert first_column(PROTOCOL, "HTTP", "call") == routes()


def test_every_event_type_is_documented() -> None:
    """The table of events has exactly the types that the server and the SDK write."""
    own = (RESERVED_TYPES - CONTROL_FRAMES - ANSWERS) | emitted()
    assert first_column(PROTOCOL, "Events", "type") == own


def test_reserved_types_are_documented() -> None:
    """The reserved types are those that are refused."""
    quoted = re.findall(r"^> (.*)$", section(PROTOCOL, "Events"), re.MULTILINE)
    assert (
        set(codes(" ".join(quoted)))
        == RESERVED_TYPES
        == events.SERVER_ONLY | {*events.RUNTIME_ONLY}
    )


def test_every_control_frame_is_documented() -> None:
    """The table of frames has exactly the control frames that exist."""
    frames = {shape.__struct_config__.tag for shape in shapes.FRAMES}
    assert frames == CONTROL_FRAMES | ANSWERS
    assert first_column(PROTOCOL, "WebSocket", "frame") == CONTROL_FRAMES
    answers = re.findall(r'"type":"(\w+)"', section(PROTOCOL, "WebSocket"))
    assert set(answers) >= ANSWERS


def test_many_sessions_on_one_connection_are_documented() -> None:
    """Its tables have exactly the frames and the messages that exist, and the text its limit."""
    text = section(PROTOCOL, "Many sessions on one WebSocket")
    frames = {shape.__struct_config__.tag for shape in [*shapes.CONNECTION, *shapes.ANSWERS]}
    assert frames == first_column(PROTOCOL, "Many sessions on one WebSocket", "connection's frame")
    shown = {}
    for row in table(text, "message on many"):
        for message in codes(row[0]):
            kind, *fields = re.findall(r'"(\w+)"(?!:)', message)
            shown[kind] = fields
    assert shown == {
        message.__struct_config__.tag: [*message.__struct_fields__] for message in MANY.messages
    }
    assert f"up to {MAX_SUBSCRIPTIONS}" in text


def test_every_way_to_end_is_documented() -> None:
    """Reasons, close codes and whether to come back are those of the code."""
    shown: dict[str, tuple[int, bool]] = {}
    for reason, code, again in table(section(PROTOCOL, "How a stream ends"), "`bye` reason"):
        (named,) = codes(reason.partition(":")[0]) or [""]
        shown[named] = int(code), again.startswith("yes")
    known: dict[str, tuple[int, bool]] = {
        reason: (code, Bye(reason).reconnect) for reason, code in CLOSE_CODES.items()
    }
    assert shown == {**known, "": (BAD_REQUEST, False)}
    assert set(shown) - {""} == set(get_args(get_type_hints(shapes.ByeFrame)["reason"]))


def test_every_error_is_documented() -> None:
    """Each code of an error, and its status, is that of a class in the code."""
    shown = {
        codes(code)[0]: int(status)
        for code, status, _ in table(section(PROTOCOL, "Errors"), "error code")
    }
    known = {
        kind.code: kind.status
        for kind in kinds(errors.KeepstreamError)
        if kind.__module__ == errors.__name__
    }
    inside = {"settings", "store_refused", "protocol_error"}
    assert shown == {code: status for code, status in known.items() if code not in inside}
    assert inside <= known.keys()
    assert inside <= set(codes(section(PROTOCOL, "Errors")))


def test_every_end_of_a_run_is_documented() -> None:
    """The codes of an `error` event are those that the API describes."""
    known = set(get_args(get_type_hints(shapes.RunError)["code"]))
    assert first_column(PROTOCOL, "Events", "run error") == known


def test_objects_and_states_are_documented() -> None:
    """Each field and state of a session and a run stands in the text about them."""
    text = " ".join(section(PROTOCOL, "HTTP").split())
    session = set(codes(text.partition("**Session object:**")[2].partition("**Run object:**")[0]))
    run = set(codes(text.partition("**Run object:**")[2].partition("**A page")[0]))
    states = {
        shape: get_args(get_type_hints(shape)["state"]) for shape in (shapes.Session, shapes.Run)
    }
    assert session == {*shapes.Session.__struct_fields__, *states[shapes.Session]}
    assert run == {*shapes.Run.__struct_fields__, *states[shapes.Run]}


def test_every_log_line_is_documented() -> None:
    """The two tables of log lines have exactly the lines that the server can log."""
    contract = first_column(PROTOCOL, "Logs", "log line")
    others = first_column(OPERATIONS, "Other lines", "log line")
    assert contract == {*telemetry.MARKS, "Session not in active sessions"}
    assert not contract & others
    assert contract | others == logged()


def test_marks_of_log_lines_are_documented() -> None:
    """The mark in the table is the one that a line gets."""
    for line, mark, level, _ in table(section(PROTOCOL, "Logs"), "log line"):
        (event,) = codes(line)
        assert mark == telemetry.MARKS.get(event, telemetry.WARNING_MARK)
        assert (mark == telemetry.WARNING_MARK) == (level == "warning")


def test_every_metric_is_documented() -> None:
    """The table of metrics has exactly the names and types that a scrape shows."""
    shown = {codes(row[0])[0]: row[1] for row in table(section(PROTOCOL, "Metrics"), "metric")}
    found = {metric.name: metric.type for metric in telemetry.REGISTRY.collect()}
    assert shown == {
        f"{metric}_total" if kind == "counter" else metric: kind for metric, kind in found.items()
    }


# -- links and words


def anchors(path: Path) -> set[str]:
    """Return what can be linked to in a document."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    kept = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_resolve(path: Path) -> None:
    """A relative link leads to a file, and its fragment to a heading there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if target.startswith("https://"):
            continue
        file, _, fragment = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        assert linked.is_relative_to(ROOT), target
        assert not fragment or fragment in anchors(linked), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_files_that_are_named_exist(path: Path) -> None:
    """A path in backticks that looks like one of this project is one."""
    for code in codes(prose(path)):
        if re.match(r"(server|workflows|tests|docs|examples|bench)/[\w./-]*$", code):
            assert (ROOT / code).exists() or code == "workflows/greet.py", code


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_documents_read_well_raw(path: Path) -> None:
    """A line has 120 characters at most; rows of tables and blocks cannot be wrapped."""
    long = [line for line in prose(path).splitlines() if len(line) > 120]
    assert [line for line in long if not line.startswith(("|", "`__main__"))] == []


def test_addresses_in_blocks_are_served() -> None:
    """Every address of the API in a block is one of the routes."""
    served = {route.partition(" ")[2] for route in routes()}
    shapes_of = [re.compile(re.sub(r"\{\w+\}", r"[^/]+", each)) for each in served]
    found = set()
    for block in blocks():
        found |= set(re.findall(r"/(?:api|health)/[\w/{}$-]+", block.text))
    assert found
    for address in found:
        filled = re.sub(r"\$\{?\w+\}?", "x", address)
        assert any(shape.fullmatch(filled) for shape in shapes_of), address


#: Of the workshop, not of the work; in pieces, or this file would not pass.
FOREIGN = re.compile("|".join(["/".join(["", "work", ""]), r"\.\./" + "shared", "/tmp/" + "bash_"]))
IGNORED = {"__pycache__", "data"}


def test_the_project_speaks_of_itself_alone() -> None:
    """No file names a path of a machine that it was written on."""
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        hidden = parts[0].startswith(".") and parts[0] not in (".ci", ".gitignore")
        if hidden or IGNORED & set(parts) or not path.is_file():
            continue
        found = FOREIGN.search(path.read_text(errors="replace"))
        assert found is None, f"{path}: {found}"


# -- examples


def test_examples_are_their_files() -> None:
    """A block that names a file has its text, and no example is without a place in the text."""
    shown = set()
    for block in blocks():
        _, _, file = block.info.partition(" ")
        if "/" in file:
            path = (block.path.parent / file).resolve()
            assert block.text == path.read_text(), f"{block.path}: {file}"
            shown.add(path)
    assert shown == {path for path in EXAMPLES.iterdir() if path.is_file()}


@pytest.fixture
def examples(start_server: StartServer) -> Server:
    """Start a server that has the examples, and logs everything."""
    written = [path.stem for path in EXAMPLES.glob("*.py")]
    return start_server(
        PYTHONPATH=EXAMPLES, WORKFLOWS=",".join([*written, FLOWS]), LOG_LEVEL="debug"
    )


async def types(api: Api, workflow: str, **given: object) -> list[tuple[str, Any]]:
    """Run a workflow to its end; return its events, but for `run_start`, as type and data."""
    session = fresh()
    await api.start(session, workflow, **given)
    ended = await api.ended(session)
    return [(event["type"], event["data"]) for event in ended[1:]]


async def test_examples_of_workflows_run(examples: Server) -> None:
    """Each workflow in the text does what the text says."""
    async with Api(examples.url) as api:
        greeted = await types(api, "greet", name="Ada")
        assert ("agent_message", {"text": "Hello Ada!"}) in greeted
        assert greeted[-1] == ("complete", {"result": "done"})

        searched = await types(api, "research", topic="logs", rounds=3)
        spans = [data.get("parent") for kind, data in searched if kind == "agent_start"]
        assert spans == [None, "s1", "s1", "s1", None]
        assert {kind for kind, _ in searched} == {
            *("agent_start", "agent_delta", "agent_message", "agent_complete", "tool_call"),
            *("tool_result", "handoff", "progress", "artifact", "billed", "complete"),
        }

        counted = await types(api, "crunch", limit=100)
        assert ("log", {"stream": "stdout", "text": "primes: 25"}) in counted
        assert counted[-1] == ("complete", {"result": 25})


async def test_example_of_a_question_runs(examples: Server) -> None:
    """The question waits, a value that its schema refuses leaves it open, an answer goes on."""
    async with Api(examples.url) as api:
        session = fresh()
        run = await api.start(session, "approval", amount=3)
        asked = await api.reached(session, "input_request")
        path = f"/api/runs/{run['id']}/input"
        body = {"request": asked["data"]["request"], "value": "yes"}
        assert (await api.call("POST", path, body)).code == "invalid_input"
        assert (await api.call("POST", path, {**body, "value": True})).status == 202
        assert (await api.ended(session))[-1]["data"] == {"result": "paid"}


async def test_python_example_follows_through_a_bad_network(
    examples: Server, tmp_path: Path
) -> None:
    """The client of the text misses nothing and handles nothing twice, however often it is cut."""
    session, handled = fresh(), list[Any]()
    async with Api(examples.url) as api, BadNetwork(examples.port, cutting(4000)) as network:
        await api.start(session, "count", n=200)
        url = f"{network.url}/api/sessions/{session}"
        reason = await asyncio.wait_for(follow(url, tmp_path / "cursor", handled.append), 120)
        assert reason == "closed"
        assert network.cuts
        assert handled == await api.events(session)


@needs_chromium
@pytest.mark.parametrize("file", ["follow.html", "eventsource.html"])
async def test_pages_of_the_text_follow(examples: Server, file: str) -> None:
    """The page of the text shows every event once, in order."""
    session = fresh()
    async with Api(examples.url) as api, chromium() as browser, tab(browser) as page:
        await page.route("**/example.html*", lambda route: route.fulfill(path=EXAMPLES / file))
        await page.goto(f"{examples.url}/example.html?session={session}")
        await api.start(session, "count", n=20)
        shown = [event["type"] for event in await api.ended(session)]
        await lines_are(page, shown)


async def lines_are(page: Page, shown: list[str]) -> None:
    """Wait for as many lines as events, and compare."""
    await page.wait_for_function(f"document.querySelectorAll('#events li').length >= {len(shown)}")
    lines = await page.locator("#events li").all_text_contents()
    assert len(lines) == len(shown)
    assert all(kind in line.split() for kind, line in zip(shown, lines, strict=True))


@pytest.mark.skipif(proxies.NGINX is None, reason="nginx is not installed")
async def test_nginx_block_of_the_text_serves(
    examples: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both kinds of stream come through nginx as the text sets it up."""
    block = (EXAMPLES / "nginx.conf").read_text()
    inside = block.partition("{")[2].rpartition("}")[0].replace(":8080", ":{upstream}")
    monkeypatch.setattr(proxies, "LOCATIONS", {"text": inside})
    with proxies.nginx(tmp_path / "nginx", examples.port) as urls:
        async with Api(urls["text"]) as api:
            for transport in (websocket, event_stream):
                reader = Reader(fresh())
                await api.start(reader.session, "count", n=5)
                await listen(reader, api.http, api.url, transport)
                assert reader.events == await api.history(reader.session)


# -- the operations guide


async def a_day(server: Server) -> None:
    """Let happen what the guide's greps look for."""
    async with Api(server.url) as api:
        reader = Reader("demo")
        async with asyncio.TaskGroup() as group:
            group.create_task(listen(reader, api.http, api.url, websocket))
            await asyncio.to_thread(server.wait_for_log, "Subscriber connected", session="demo")
            await api.start("demo", "greet")
        await listen(Reader("demo"), api.http, api.url, event_stream)
        await api.start("demo", "greet")
        await api.ended("demo", (await api.session("demo"))["run"])
        await api.start(fresh(), "raises")
        await api.call("GET", "/api/sessions/typo")
        server.wait_for_log("Workflow finished", state="error")
        server.wait_for_log("Session not in active sessions")


async def test_greps_of_the_guide_find_their_lines(examples: Server, tmp_path: Path) -> None:
    """Every grep, run as it stands on the log of a day, finds something, and JSON."""
    await a_day(examples)
    (log,) = examples.data_dir.parent.glob(f"{examples.data_dir.name}-*.log")
    (tmp_path / "keepstream.log").write_bytes(log.read_bytes())
    found = [block.text for block in blocks() if block.info == "sh log"]
    lines = [line for text in found for line in text.splitlines() if line]
    assert len(lines) > 10
    for line in lines:
        ran = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, line
        assert ran.stdout.strip() not in ("", "0"), line
        for row in ran.stdout.splitlines():
            json.loads(row)
    sought = {name for text in found for name in re.findall(r'"event":"([^"]+)"', text)}
    assert sought - {"Subscriber (dis)?connected"} <= logged()


async def test_view_of_the_guide_shows_events(examples: Server) -> None:
    """The query for a look inside works beside a running server."""
    await a_day(examples)
    (query,) = re.findall(r'keepstream\.db "(SELECT [^"]+)"', OPERATIONS.read_text())
    path = examples.data_dir / "keepstream.db"
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    rows = connection.execute(query).fetchall()
    connection.close()
    async with Api(examples.url) as api:
        history = await api.history("demo")
    assert [str(row[3]).encode() for row in rows] == history


async def test_data_dir_has_what_the_guide_says(examples: Server) -> None:
    """A running server has no file in its DATA_DIR that the guide does not name."""
    await a_day(examples)
    named = first_column(OPERATIONS, "Where the data lie", "path in `DATA_DIR`")
    there = {entry.name + "/" * entry.is_dir() for entry in examples.data_dir.iterdir()}
    assert there == named

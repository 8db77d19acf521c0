"""The log: one line for one record, whatever it holds, each with its mark."""

import io
import json
import logging
import os
import random
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from server.telemetry import MARKS, WARNING_MARK, Layout, configure

#: What a line of the console begins with.
CONSOLE_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z \[(\w+) *\] ")
#: What ends a line somewhere, or steers a terminal.
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
LEVELS = ("debug", "info", "warning", "error")

#: Texts that end a line, steer a terminal, or look like a line of the log.
HOSTILE = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA1)),
    "\u2028",
    "\u2029",
    "\u202e",
    "\ud800",
    "\r\n",
    "\x1b[2J\x1b[1;31m",
    '"}\n{"event":"Server listening","level":"info","mark":"🚀"}\n',
    "\n2026-11-22T22:00:00.000000Z [info     ] 🚀 Server listening",
    "\\n",
    "%s %d",
    "{}",
]


class Odd:
    """A value that shows itself as it likes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


#: Keys are our own code's; some mean something to whoever renders a line.
NAMES = ["exception", "stack", "logger", "mark", "level", "path", "error", "run"]


class Payloads:
    """Hostile values without end, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def text(self) -> str:
        """Return a few hostile pieces between harmless and random ones."""
        pieces = [*HOSTILE, "harmless", "é😀", chr(self._random.randrange(0x110000))]
        return "".join(self._random.choices(pieces, k=self._random.randrange(5)))

    def value(self, depth: int = 2) -> object:
        """Return anything that a caller may hand to the log."""
        kinds: list[Callable[[], object]] = [
            self.text,
            lambda: Odd(self.text()),
            lambda: self.text().encode(errors="replace"),
            lambda: self._random.choice([None, True, 7, -1.5, float("nan"), 2**80, {1}]),
        ]
        if depth:
            kinds.append(lambda: [self.value(depth - 1)])
            kinds.append(lambda: {self.text(): self.value(depth - 1)})
        return self._random.choice(kinds)()

    def record(self) -> tuple[str, str, dict[str, object]]:
        """Return a level, an event and fields."""
        names = self._random.sample(NAMES, self._random.randrange(4))
        return self._random.choice(LEVELS), self.text(), {name: self.value() for name in names}


class Log:
    """The log of a process as its reader finds it."""

    def __init__(self, log_format: Layout, log_level: str = "debug") -> None:
        self._bytes = io.BytesIO()
        self._stream = io.TextIOWrapper(self._bytes, encoding="utf-8")
        configure(log_level, log_format, self._stream)
        self.log: Any = structlog.get_logger()

    def take(self) -> bytes:
        """Return what was written since the last time."""
        self._stream.flush()
        written = self._bytes.getvalue()
        self._bytes.seek(0)
        self._bytes.truncate()
        return written

    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines written since the last time."""
        return [json.loads(line) for line in self.take().splitlines()]


@pytest.fixture(autouse=True)
def leave_no_trace() -> Iterator[None]:
    """Give structlog and the standard library back as they were."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    configured = structlog.get_config()
    yield
    structlog.configure(**configured)
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_lines_are_objects_with_time_level_and_mark() -> None:
    """Off a terminal each record is one JSON object."""
    log = Log("auto")
    log.log.info("Launching workflow task", session="s1", run="r_1", workflow="echo")
    line = log.take()
    assert line.endswith(b"\n")
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "Launching workflow task",
        "session": "s1",
        "run": "r_1",
        "workflow": "echo",
        "level": "info",
        "mark": "🚀",
    }


def test_json_has_no_spaces_around_its_separators() -> None:
    """What the guide greps for stands in a line as ``"name":"value"``."""
    log = Log("json")
    log.log.info("Subscriber connected", session="demo")
    assert b'"event":"Subscriber connected"' in (line := log.take())
    assert b'"session":"demo"' in line


def test_console_prints_the_mark_first() -> None:
    """On the console the mark stands before the name."""
    log = Log("console")
    log.log.info("Event emitted", session="s1", offset=7)
    line = log.take().decode()
    assert CONSOLE_LINE.match(line)
    assert "📡 Event emitted" in line
    assert "offset=7" in line
    assert "mark" not in line


@pytest.mark.parametrize("name", MARKS)
def test_every_name_of_the_contract_has_its_own_mark(name: str) -> None:
    """A line below warning carries the mark of its event."""
    log = Log("json")
    log.log.info(name)
    assert log.lines()[0]["mark"] == MARKS[name]


@pytest.mark.parametrize("level", ["warning", "error", "critical", "exception"])
def test_warnings_and_worse_carry_the_warning_mark(level: str) -> None:
    """From warning up the mark is the warning's, whatever the event."""
    log = Log("json")
    for name in [*MARKS, "anything"]:
        getattr(log.log, level)(name)
    assert {line["mark"] for line in log.lines()} == {WARNING_MARK}


def test_a_name_that_is_not_of_the_contract_has_a_mark_too() -> None:
    """No line is without a mark."""
    log = Log("json")
    log.log.info("Sessions expired", count=1)
    assert log.lines()[0]["mark"]


def test_level_cuts_what_is_below() -> None:
    """``LOG_LEVEL`` is the lowest level that is written."""
    log = Log("json", "warning")
    for level in LEVELS:
        getattr(log.log, level)(level)
    assert [line["event"] for line in log.lines()] == ["warning", "error"]


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_value_can_forge_a_line(log_format: Layout) -> None:
    """Lines and records are equal in number, and no control character but LF is ever written."""
    log, payloads = Log(log_format), Payloads(seed=1)
    for _ in range(5000):
        level, event, fields = payloads.record()
        getattr(log.log, level)(event, **fields)
        written = log.take().decode()
        assert not CONTROLS.search(written), (event, fields)
        first, *below = written.removesuffix("\n").split("\n")
        if log_format == "json":
            assert json.loads(first)["mark"]
            assert not below, (event, fields)
        else:
            assert CONSOLE_LINE.match(first), (event, fields)
            assert all(line.startswith("    ") for line in below), (event, fields)


def test_json_keeps_what_it_escapes() -> None:
    """An escaped text reads as it was written."""
    log = Log("json")
    for text in HOSTILE:
        log.log.info("Request failed", path=text)
    kept = [line["path"] for line in log.lines()]
    assert [text for text, found in zip(HOSTILE, kept, strict=True) if text != found] == ["\ud800"]


def test_a_traceback_is_one_json_line() -> None:
    """An exception is a field, its line ends escaped."""
    log = Log("json")
    raise_and_log(log)
    (line,) = log.lines()
    assert "ZeroDivisionError" in line["exception"]
    assert line["level"] == "error"


def test_a_traceback_on_the_console_is_indented() -> None:
    """What stands below a line cannot be taken for one, and keeps no escape sequence."""
    log = Log("console")
    raise_and_log(log)
    first, *below = log.take().decode().splitlines()
    assert CONSOLE_LINE.match(first)
    assert any("ZeroDivisionError" in line for line in below)
    assert all(line.startswith("    ") for line in below)
    assert "\x1b" not in "".join(below)


def raise_and_log(log: Log) -> None:
    """Log an exception whose text would be a line of its own."""
    try:
        raise ZeroDivisionError("\n2026-11-22T22:00:00.000000Z [info] \x1b[31mfake")  # noqa: TRY301
    except ZeroDivisionError:
        log.log.exception("Request failed")


def test_a_value_that_json_cannot_hold_is_shown() -> None:
    """Logging never fails for what it is given."""
    log = Log("json")
    log.log.info("odd", huge=2**80, path="/tmp/\udcff", thing={1, 2}, bad={"a": "\ud800"})
    (line,) = log.lines()
    assert line["huge"] == 2**80 or line["huge"] == str(2**80)
    assert "udcff" in line["path"]
    assert line["event"] == "odd"


def test_warnings_of_the_standard_library_are_lines() -> None:
    """What Python warns of and what libraries log from warning up arrives as lines of ours."""
    log = Log("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)  # else it would restore pytest's own
        logging.captureWarnings(capture=True)
        warnings.warn("this will go away", DeprecationWarning, stacklevel=1)
    logging.getLogger("aiohttp.server").error("refused\n%s", "forged")
    logging.getLogger("aiohttp.server").info("not this")
    first, second = log.lines()
    assert "this will go away" in first["event"]
    assert (first["level"], first["logger"]) == ("warning", "py.warnings")
    assert (second["event"], second["level"]) == ("refused\nforged", "error")
    assert {first["mark"], second["mark"]} == {WARNING_MARK}


def test_a_librarys_own_level_and_bad_arguments_do_no_harm() -> None:
    """A level between two names counts as the lower one; a text with wrong arguments is kept."""
    log = Log("json")
    logging.getLogger("library").log(35, "odd level")
    logging.getLogger("library").warning("%d of %d", "x")  # noqa: PLE1206
    assert [(line["event"], line["level"]) for line in log.lines()] == [
        ("odd level", "warning"),
        ("%d of %d", "warning"),
    ]


def test_a_log_that_nobody_reads_any_more_ends_nothing() -> None:
    """When the reader of the log is gone its lines are lost, and nothing else."""
    near, far = os.pipe()
    with os.fdopen(far, "w", encoding="utf-8") as stream:
        configure("info", "json", stream)
        os.close(near)
        for _ in range(3):
            structlog.get_logger().info("into the void", text="x" * 100_000)

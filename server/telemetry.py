"""Logs and metrics: what an operator reads to see where a stream stops.

The event names of the contract stand in :data:`MARKS`: a line's mark is looked up by its event, so
that no caller can forget it.

A record is one line whatever its values hold. Texts of strangers reach the log (an address, an
exception, what an import printed), and a raw line end or escape sequence would let them forge lines
or steer the terminal that shows them.
"""

import logging
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO, Literal, TextIO

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from structlog.typing import EventDict, Processor, WrappedLogger

MARKS = {
    "Session verified/created": "✅",
    "Launching workflow task": "🚀",
    "Multi-Agent Workflow Starting": "🤖",
    "Attempting to emit event to session": "📤",
    "Event added to queue": "📦",
    "Event emitted": "📡",
    "Retrieved event from queue": "📥",
    "Subscriber connected": "📡",
    "Subscriber disconnected": "📡",
    "Active sessions": "📦",
    "Workflow finished": "✅",
    "Server listening": "🚀",
}
Layout = Literal["auto", "json", "console"]
WARNING_MARK = "⚠️"
WARNINGS = frozenset({"warning", "error", "critical"})


#: What goes below a line on the console, indented there.
BELOW = ("stack", "exception")
#: Raw in valid JSON and yet not harmless: DEL, the C1 controls, the two Unicode line ends.
_RAW = re.compile("[\x7f-\x9f\u2028\u2029]")


def mark(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Give each line its mark: the warning's for all that is a warning or worse."""
    warns = event.get("level") in WARNINGS
    event["mark"] = WARNING_MARK if warns else MARKS.get(str(event["event"]), "📡")
    return event


def mark_first(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put the mark before the event's name, as the console shows it."""
    event["event"] = f"{event.pop('mark')} {event['event']}"
    return event


def printable(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape what a terminal would obey; what goes below the line stays indented there."""
    below = [str(event.pop(name)) for name in BELOW if name in event]
    shown = {_escaped(key): _shown(value) for key, value in event.items()}
    if below:
        lines = "\n".join(below).split("\n")
        shown["exception"] = "\n".join(f"    {_escaped(line)}" for line in lines)
    return shown


def _shown(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    return _escaped(value if isinstance(value, str) else repr(value))


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _json(event: EventDict, **_: object) -> bytes:
    try:
        line = msgspec.json.encode(event, enc_hook=repr)
    except (TypeError, ValueError, OverflowError, RecursionError):
        # A lone surrogate, an integer beyond 64 bits, …: a log line is no place to fail.
        line = msgspec.json.encode({_escaped(key): _shown(v) for key, v in event.items()})
    if line.isascii() and b"\x7f" not in line:
        return line
    return _RAW.sub(lambda found: f"\\u{ord(found[0]):04x}", line.decode()).encode()


def configure(
    minimum: str = "info",
    layout: Layout = "auto",
    stream: TextIO = sys.stdout,
) -> None:
    """Send structured logs from the level ``minimum`` up to ``stream``.

    The layout ``auto`` is coloured text on a terminal and JSON lines elsewhere.
    """
    level = logging.getLevelNamesMapping()[minimum.upper()]
    console = layout == "console" or (layout == "auto" and stream.isatty())
    outlet: Any = Outlet(stream)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        mark,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: list[Processor] = (
        [mark_first, printable, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
        if console
        else [structlog.processors.JSONRenderer(_json)]
    )
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=(
            structlog.WriteLoggerFactory(outlet)
            if console
            else structlog.BytesLoggerFactory(outlet)
        ),
        cache_logger_on_first_use=True,
    )
    _take_over_stdlib(level)


class Outlet:
    """Where log lines go. Whoever reads them may leave: a run must not end for its log."""

    def __init__(self, stream: TextIO) -> None:
        self._bytes: BinaryIO = stream.buffer

    def write(self, line: str | bytes) -> None:
        """Write a line whole, or lose it."""
        with suppress(OSError):
            self._bytes.write(line if isinstance(line, bytes) else line.encode(errors="replace"))

    def flush(self) -> None:
        """Write what is buffered, or lose it."""
        with suppress(OSError):
            self._bytes.flush()


class _ToStructlog(logging.Handler):
    """What libraries log through the standard library, from warnings up, as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(record.levelno // 10 * 10, logging.CRITICAL)  # libraries may have their own
        structlog.get_logger().log(
            level, _message(record), logger=record.name, exc_info=record.exc_info
        )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 (arguments that do not fit their text: the library's fault)
        return str(record.msg)


def _take_over_stdlib(level: int) -> None:
    logging.captureWarnings(capture=True)
    root = logging.getLogger()
    root.handlers[:] = [_ToStructlog()]
    root.setLevel(max(level, logging.WARNING))


# -- metrics. One registry, made once for a process.

REGISTRY = CollectorRegistry()

RUNS = Gauge("keepstream_runs", "Runs that have not ended, by state", ["state"], registry=REGISTRY)
RUNS_ENDED = Counter("keepstream_runs_ended", "Runs that ended", ["state"], registry=REGISTRY)
EVENTS_APPENDED = Counter(
    "keepstream_events_appended", "Events committed to the log", registry=REGISTRY
)


class BytesSent(Collector):
    """Plain numbers, not a Counter: they are counted at every write to every reader."""

    def __init__(self) -> None:
        self.by_transport = defaultdict(int, ws=0, sse=0)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What the metrics page asks for."""
        family = CounterMetricFamily(
            "keepstream_bytes_sent", "Bytes handed to subscribers", labels=["transport"]
        )
        for transport, count in self.by_transport.items():
            family.add_metric([transport], count)
        yield family


BYTES_SENT = BytesSent()
REGISTRY.register(BYTES_SENT)
SUBSCRIBERS = Gauge(
    "keepstream_subscribers", "Connected subscribers", ["transport"], registry=REGISTRY
)
SESSIONS = Gauge("keepstream_sessions", "Sessions in memory", registry=REGISTRY)
COMMIT_SECONDS = Histogram(
    "keepstream_commit_seconds",
    "Time of one commit, from the store's call to durable",
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
    registry=REGISTRY,
)
CATCH_UP_EVENTS = Gauge(
    "keepstream_catch_up_events",
    "Events that subscribers in catch-up are behind",
    registry=REGISTRY,
)
LOOP_LAG_SECONDS = Gauge(
    "keepstream_loop_lag_seconds",
    "How late the event loop woke from its last sleep",
    registry=REGISTRY,
)

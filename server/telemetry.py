"""Logs and metrics: what an operator reads to see where a stream stops.

The event names and their fields are part of the contract and stand in :data:`LEVELS`; a line's mark
is looked up by its event, so that no caller can forget it.
"""

import io
import logging
import sys
from typing import Any, TextIO

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import EventDict, Processor, WrappedLogger

from server.settings import Settings

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
WARNING_MARK = "⚠️"
WARNINGS = frozenset({"warning", "error", "critical"})


def mark(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Give each line its mark: the warning's for all that is a warning or worse."""
    warns = event.get("level") in WARNINGS
    event["mark"] = WARNING_MARK if warns else MARKS.get(event["event"], "📡")
    return event


def mark_first(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put the mark before the event's name, as the console shows it."""
    event["event"] = f"{event.pop('mark')} {event['event']}"
    return event


def _json(event: EventDict, **_: object) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)


def configure(settings: Settings, stream: TextIO = sys.stdout) -> None:
    """Send structured logs to ``stream``: coloured on a terminal, JSON lines elsewhere."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    console = settings.log_format == "console" or (
        settings.log_format == "auto" and stream.isatty()
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        mark,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Processor] = (
        [mark_first, structlog.dev.ConsoleRenderer(colors=stream.isatty())]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]
    )
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=(
            structlog.WriteLoggerFactory(stream)
            if console
            else structlog.BytesLoggerFactory(_binary(stream))
        ),
        cache_logger_on_first_use=True,
    )
    _take_over_stdlib(level)


def _binary(stream: TextIO) -> Any:
    return stream.buffer if isinstance(stream, io.TextIOWrapper) else stream


class _ToStructlog(logging.Handler):
    """What libraries log through the standard library, from warnings up, as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


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
BYTES_SENT = Counter(
    "keepstream_bytes_sent", "Bytes handed to subscribers", ["transport"], registry=REGISTRY
)
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

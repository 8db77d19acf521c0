"""Sessions, drafts and run records as short as a test needs them."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from server.eventlog import EventLog
from server.events import Draft, Event, server_draft
from server.records import RunRecord, SessionRecord, SessionState

RUN_STATES: dict[SessionState, Any] = {"running": "running", "closed": "complete"}


def session(name: str = "s1", **fields: Any) -> SessionRecord:
    """Make a session that nobody has stored yet."""
    return SessionRecord(id=name, **fields)


def drafts(*numbers: int, text: str = "word") -> list[Draft]:
    """A draft for each of a producer's numbers."""
    return [
        msgspec.structs.replace(server_draft("agent_delta", "r_1", {"text": text}), n=n)
        for n in numbers
    ]


def unnumbered(count: int, text: str = "word") -> list[Draft]:
    """Drafts of the server's own."""
    return drafts(*([0] * count), text=text)


def run(name: str = "r_1", in_session: str = "s1", **fields: Any) -> RunRecord:
    """A run that goes on, unless ``fields`` say otherwise."""
    given = {
        "workflow": "echo",
        "input": {"text": "hé"},
        "labels": {},
        "state": "running",
        "created": "2026-11-22T22:00:00.000000Z",
        "timeout": 60.0,
    }
    return RunRecord(id=name, session=in_session, **{**given, **fields})


def ended(name: str = "r_1", at: str = "2026-11-22T23:00:00.000000Z", **fields: Any) -> RunRecord:
    """Make a run that is over."""
    return run(name, **{"state": "complete", "ended": at, **fields})


def offsets(events: Sequence[Event]) -> list[int]:
    """Where ``events`` stand."""
    return [event.offset for event in events]


async def whole(events: EventLog, session: str, limit: int = 1000) -> list[Event]:
    """A session's log, read page by page."""
    log: list[Event] = []
    while page := await events.read(session, len(log), limit):
        log += page
    return log


async def until(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


def asked(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What a stranger's shell is told by the database."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()

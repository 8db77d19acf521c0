"""A store with many closed sessions, written as the server writes it, without their processes."""

import asyncio
from pathlib import Path

from server.eventlog import EventLog, sqlite
from server.events import draft, now, server_draft
from server.records import RunRecord, SessionRecord

AT_ONCE = 2000
EVENTS = 3  # of a run between its first and its last


def store_closed(data: Path, sessions: int) -> None:
    """Fill the store of ``data`` with ``sessions`` that had one run each."""
    asyncio.run(_fill(data / "keepstream.db", sessions))


async def _fill(path: Path, sessions: int) -> None:
    async with sqlite.open(path) as events:
        for first in range(0, sessions, AT_ONCE):
            numbers = range(first, min(sessions, first + AT_ONCE))
            await asyncio.gather(*(_closed(events, n) for n in numbers))


async def _closed(events: EventLog, number: int) -> None:
    session, at = f"closed{number}", now()
    run = RunRecord(
        id=f"r_closed{number}",
        session=session,
        workflow="bursts",
        input={},
        labels={},
        state="complete",
        created=at,
        started=at,
        ended=at,
        timeout=3600,
    )
    text = draft("agent_delta", run.id, b'{"text":"done"}', speaker=b'"agent":"Coder",')
    drafts = [
        server_draft("run_start", run.id, {"workflow": "bursts", "input": {}}),
        *[text] * EVENTS,
        server_draft("complete", run.id, {"result": None}),
    ]
    await events.append(SessionRecord(id=session), drafts, record=run)

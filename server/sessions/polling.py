"""A page for a reader that comes and asks: plain reads of the history, and long polls."""

import asyncio
import time
from typing import NamedTuple

from server.errors import StoreDamaged
from server.events import Event
from server.sessions.audience import Poll
from server.sessions.opening import Opening, wanted
from server.sessions.session import Session

#: Bytes of events in one answer, unless a single event is larger.
ANSWER_BYTES = 4 * 1024 * 1024
#: Events that one answer looks through for those that a filter lets pass.
SCAN = 100_000


class Page(NamedTuple):
    """Events, and the offset up to which the log was looked through for them.

    ``skipped`` is the last offset of what is damaged before them, 0 if nothing is.
    """

    events: list[Event]
    next: int
    skipped: int = 0


async def poll(session: Session, opening: Opening, *, limit: int, wait: float) -> Page:
    """At most ``limit`` events that ``opening`` wants, waiting up to ``wait`` s for the first.

    Does not wait at the end of a closed session, nor when a ``reset`` is to be told.
    """
    deadline = time.monotonic() + wait
    reader = Poll(opening.start)
    with session.audience.polling(reader, session.epoch):
        while True:
            with session.audience.changes() as changed:
                found = await page(session, opening, reader.offset, limit)
                reader.sent = len(found.events)
                reader.offset = found.next
                left = deadline - time.monotonic()
                told = found.events or found.skipped or opening.reset
                if told or _over(session, found) or left <= 0:
                    return found
                if found.next < session.last:
                    continue
                await asyncio.wait([changed], timeout=left)


def _over(session: Session, found: Page) -> bool:
    return session.audience.dismissed or (session.state == "closed" and found.next >= session.last)


async def page(session: Session, opening: Opening, after: int, limit: int) -> Page:
    """The events after ``after`` that ``opening`` wants, as many as one answer holds."""
    found: list[Event] = []
    size, start, skipped = 0, after, 0
    while after < session.last and after - start < SCAN:
        try:
            events = await session.read(after)
        except StoreDamaged as error:
            if after > max(start, skipped):  # the next page begins with it
                break
            after = skipped = error.last or session.last
            continue
        if not events:
            break
        for event in wanted(opening.types, events):
            size += len(event.line)
            if found and size > ANSWER_BYTES:
                return Page(found, event.offset - 1, skipped)
            found.append(event)
            if len(found) == limit:
                return Page(found, event.offset, skipped)
        after = events[-1].offset
    return Page(found, after, skipped)


def body(found: Page, session: Session, opening: Opening) -> bytes:
    """The answer of the contract, each event the bytes that the log has."""
    head = session.head
    reason = opening.reset or ("damaged" if found.skipped else "")
    reset = b'"reset":"%b",' % reason.encode() if reason else b""
    return b'{"epoch":"%b","first":%d,"last":%d,"state":"%b",%b"events":[%b],"next":"%b-%d"}' % (
        session.epoch.encode(),
        found.skipped + 1 if found.skipped else head.first,
        head.last,
        head.state.encode(),
        reset,
        b",".join([event.line for event in found.events]),
        session.epoch.encode(),
        found.next,
    )

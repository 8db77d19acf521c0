"""Segments: a run of one session's events in one row, for reading page by page. Pure.

The body is the events' lines joined by LF, up to 64 KiB; a longer event is a segment alone.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from server.errors import StoreDamaged
from server.eventlog.journal import checksum, read_back
from server.events import Event

SEGMENT_BYTES = 64 * 1024


class Segment(NamedTuple):
    """A row of the table, in the order of its columns."""

    session: int
    first: int
    last: int
    crc: int
    body: bytes


def pack(session: int, events: Sequence[Event]) -> Iterator[Segment]:
    """Cut ``events``, which follow one another, into segments."""
    start = size = 0
    for index, event in enumerate(events):
        if index > start and size + len(event.line) > SEGMENT_BYTES:
            yield _segment(session, events[start:index])
            start, size = index, 0
        size += len(event.line) + 1
    if start < len(events):
        yield _segment(session, events[start:])


def _segment(session: int, events: Sequence[Event]) -> Segment:
    first, last = events[0].offset, events[-1].offset
    body = b"\n".join([event.line for event in events])
    return Segment(session, first, last, checksum(body, session, first, last), body)


def unpack(segment: Segment, name: str) -> list[Event]:
    """The events of a row; ``name`` is the session's id, for the error.

    Raises :class:`StoreDamaged` if they are not the bytes that were packed.
    """
    session, first, last, crc, body = segment
    if checksum(body, session, first, last) != crc:
        raise damaged(name, first, last)
    return [read_back(line) for line in body.split(b"\n")]


def damaged(name: str, first: int = 0, last: int = 0) -> StoreDamaged:
    """The error for events that were committed and are not there; 0 where it is not known which."""
    upto = f" to {last}" if last else " and what follows"
    which = f"events {first}{upto}" if first else "events"
    return StoreDamaged(
        f"{which} of session {name} are damaged on disk: restore DATA_DIR from a copy, or delete"
        " the session; other sessions are not affected",
        session=name,
        first=first,
        last=last,
    )

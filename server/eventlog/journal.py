"""The journal's text: what one commit group appended, as one value of one row. Pure.

A commit that touches two hundred sessions must not touch two hundred places on the disk, so a group
is a single row behind all others. Its body is text, one line of JSON for each append::

    [session key,"producer",n,[event,event,…]]

``n`` is the producer's highest number after this append. The events are the very bytes that
subscribers get. A CRC-32 stands beside the body.
"""

from collections.abc import Iterable, Iterator
from zlib import crc32

import msgspec

from server.eventlog.group import Entry
from server.events import Event

_line = msgspec.json.Decoder(tuple[int, str, int, list[msgspec.Raw]])


def encode(entries: Iterable[Entry]) -> bytes:
    """The body of a row."""
    return b"\n".join(
        [
            b'[%d,"%b",%d,[%b]]'
            % (
                each.session,
                each.producer.encode(),
                each.n,
                b",".join([e.line for e in each.events]),
            )
            for each in entries
        ]
    )


def decode(body: bytes) -> Iterator[Entry]:
    """What :func:`encode` was given; raises ``msgspec.DecodeError`` for anything else."""
    for line in body.split(b"\n"):
        key, producer, n, events = _line.decode(line)
        yield Entry(key, producer, n, [read_back(bytes(event)) for event in events])


def checksum(body: bytes, *key: int) -> int:
    """A CRC-32 of ``body`` in its place: the same bytes under another key do not pass."""
    return crc32(body, crc32(repr(key).encode()))


def read_back(line: bytes) -> Event:
    """An event from its bytes.

    Every line begins ``{"offset":7,"time":"…","type":"…"``: the ninth part between quotes is the
    type, and the rest need not be parsed.
    """
    parts = line.split(b'"', 10)
    return Event(int(parts[2][1:-1]), parts[9].decode(), line)

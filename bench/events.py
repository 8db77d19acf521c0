"""The events that are sent: about 200 bytes each, with the time at which they were. Pure."""

import time

PAD = "x" * 19  # makes an event of 200 bytes, give or take the digits of its numbers
#: Occurs once in each event and nowhere else in what any server sends, frame headers included:
#: no length of a frame has this byte in it.
MARK = b"|"

_LINE = (
    b'{"n":%d,"t":%d,"type":"agent_delta","agent":"Coder","span":"s1",'
    b'"data":{"message":"m1","text":"|%d ' + PAD.encode() + b'"}}\n'
)
_EVENT = (
    b'{"offset":%d,"time":"2026-11-22T22:00:00.123456Z","type":"agent_delta",'
    b'"run":"r_aaaaaaaaaaaaaaaaaaaaaaaaa","agent":"Coder","span":"s1",'
    b'"data":{"message":"m1","text":"|%d ' + PAD.encode() + b'"}}'
)


def data() -> dict[str, str]:
    """What a workflow emits as an ``agent_delta`` now."""
    return {"message": "m1", "text": f"|{time.monotonic_ns()} {PAD}"}


def line(n: int, stamp: int) -> bytes:
    """An event as a run's process sends it through its pipe."""
    return _LINE % (n, time.time_ns() // 1000, stamp)


def event(n: int, stamp: int) -> bytes:
    """The same as a reader has it: what peers are given, who only carry it."""
    return _EVENT % (n, stamp)


def lines(numbers: range, stamp: int) -> bytes:
    """Events as a run's process sends them."""
    return b"".join([line(n, stamp) for n in numbers])


def event_lines(numbers: range, stamp: int) -> bytes:
    """Events for a peer that takes lines."""
    return b"".join([event(n, stamp) + b"\n" for n in numbers])


def masked(numbers: range, stamp: int) -> bytes:
    """Events as frames of a WebSocket client; the mask is zero, which changes nothing."""
    return b"".join([_masked(event(n, stamp)) for n in numbers])


def _masked(text: bytes) -> bytes:
    return b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text

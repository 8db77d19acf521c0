"""The harness's own clients: wherever the bytes are cut, the frames are the same."""

import json
import struct

import pytest

from chaos import wire

EVENTS = [b'{"offset":%d,"data":{"text":"%b"}}' % (n, b"x" * n * 40) for n in range(1, 9)]
BYE = {"type": "bye", "reason": "closed"}


def framed(payload: bytes) -> bytes:
    """A text frame of a server."""
    if len(payload) < 126:
        return struct.pack("!BB", 0x81, len(payload)) + payload
    return struct.pack("!BBH", 0x81, 126, len(payload)) + payload


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_websocket_frames_however_cut(size: int) -> None:
    """A frame is taken whole, once, whatever pieces it comes in."""
    stream = b"".join(map(framed, [*EVENTS, json.dumps(BYE).encode()]))
    frames = wire.WebSocketFrames()
    found = [
        wire.text(payload)
        for at in range(0, len(stream), size)
        for _, payload in frames.feed(stream[at : at + size])
    ]
    assert found == [*EVENTS, BYE]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_event_stream_however_cut(size: int) -> None:
    """A record is taken whole, once, through the chunked encoding; comments are no frames."""
    records = [b"retry: 1000\n\n", *(b"id: e-1\ndata: " + each + b"\n\n" for each in EVENTS)]
    records += [b": heartbeat\nid: e-8\n\n", b"event: bye\nid: e-8\ndata: "]
    records[-1] += json.dumps(BYE).encode() + b"\n\n"
    stream = b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in records) + b"0\r\n\r\n"
    chunks, found = wire.Chunked(), list[wire.Frame]()
    lines = wire.Records()
    for at in range(0, len(stream), size):
        found += lines.feed(chunks.feed(stream[at : at + size]))
    assert found == [*EVENTS, BYE]
    assert chunks.ended


def test_offset_of_any_event() -> None:
    """The offset is found where the contract puts it, and where another server may."""
    assert [wire.offset(each) for each in EVENTS] == [*range(1, 9)]
    assert wire.offset(b'{"type":"x","offset":12}') == 12

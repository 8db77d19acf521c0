"""What readers have had is counted and timed right, however it is cut."""

import socket
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.events import MARK, event, event_lines, lines, masked
from bench.readers import Readers, Scan, answered
from server.runs import pipe

STAMPS = [1, 22, 333, 4_444_444_444]
STREAM = b"".join(b"\x81\x7e\x00\xc8" + event(n, stamp) for n, stamp in enumerate(STAMPS))


@given(st.lists(st.integers(1, len(STREAM) - 1)))
def test_times_in_pieces(cuts: list[int]) -> None:
    """Every time is found once, in order, wherever the stream is cut."""
    scan, found, places = Scan(), [], sorted({0, *cuts, len(STREAM)})
    for begin, end in pairwise(places):
        found += scan.feed(STREAM[begin:end])
    assert found == STAMPS


def test_one_mark_an_event() -> None:
    """The mark is in each event once, and in no header of its frame."""
    for n in (1, 1000, 10**7):
        stamp = time.monotonic_ns()
        for text in (event(n, stamp), masked(range(n, n + 1), stamp)):
            assert text.count(MARK) == 1
        length = len(event(n, stamp)).to_bytes(2, "big")
        assert MARK not in length


def test_size_of_an_event() -> None:
    """An event is of about 200 bytes."""
    assert 190 <= len(event(1000, time.monotonic_ns())) <= 210


def test_lines_are_a_pipes_lines() -> None:
    """What speaks for a run keeps the pipe's rules."""
    batch = pipe.Decoder("r_1").feed(lines(range(1, 4), 5))
    assert batch.breach is None
    assert [draft.n for draft in batch.drafts] == [1, 2, 3]
    assert event_lines(range(1, 4), 5).count(b"\n") == 3


def test_count_and_time() -> None:
    """Readers count what comes and say how old it is."""
    near, far = socket.socketpair()
    with near, far:
        opened = Readers()
        opened.add(near)
        far.sendall(STREAM)
        assert opened.count(1.0) == len(STAMPS)
        far.sendall(event(1, time.monotonic_ns()))
        assert opened.time(1.0) == 1
        assert 0 < opened.latencies[0] < 10**9
        assert opened.events == len(STAMPS) + 1


def test_what_follows_a_head_is_kept() -> None:
    """The head of an answer is taken, and the events behind it are still there to be counted."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + STREAM)
        answered(near, b" 200 ")
        opened = Readers()
        opened.add(near)
        assert opened.count(1.0) == len(STAMPS)


def test_a_refusal_is_an_error() -> None:
    """An answer with another status says what it was."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(b"HTTP/1.1 503 Busy\r\n\r\n")
        with pytest.raises(ConnectionError, match="503 Busy"):
            answered(near, b" 101 ")

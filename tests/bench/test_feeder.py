"""Every event that is fed arrives whole and in order, whatever a pipe takes at once."""

import socket
from collections.abc import Iterator

import pytest

from bench.events import event_lines
from bench.feeder import Feeder
from bench.pour import Flood

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Two pipes and their other ends."""
    made = [socket.socketpair() for _ in range(2)]
    yield made
    for near, far in made:
        near.close()
        far.close()


def _numbers(lines: bytes) -> list[int]:
    return [int(line.partition(b":")[2].partition(b",")[0]) for line in lines.splitlines()]


def _drain(far: socket.socket) -> bytes:
    far.setblocking(False)
    taken = b""
    while True:
        try:
            taken += far.recv(1 << 20)
        except BlockingIOError:
            return taken


def test_a_full_pipe_waits(pairs: list[Pair]) -> None:
    """A full pipe is passed over, and goes on where it stopped."""
    feeder = Feeder([near for near, _ in pairs], event_lines)
    far = pairs[0][1]
    written, taken = 0, b""
    for turn in range(10_000):
        written += feeder.feed(50) if turn % 2 == 0 else 0 * feeder.feed(0)
    assert written < 5_000 * 50
    while len(taken) < written * 190:
        taken += _drain(far)
        feeder.feed(0)
        feeder.feed(0)
    taken += _drain(far)
    assert _numbers(taken) == list(range(1, written + 1))


def test_flood(pairs: list[Pair]) -> None:
    """A flood gives every pipe the same numbers, after those that it had."""
    feeder = Feeder([near for near, _ in pairs], event_lines)
    for _ in pairs:
        feeder.feed()
    flood, taken = Flood(feeder, 5000), [b"", b""]
    while not flood.done:
        flood.push()
        taken = [had + _drain(far) for had, (_, far) in zip(taken, pairs, strict=True)]
    taken = [had + _drain(far) for had, (_, far) in zip(taken, pairs, strict=True)]
    assert [_numbers(each) for each in taken] == [list(range(1, 5002))] * 2

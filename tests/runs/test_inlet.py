"""Whose turn it is when many pipes have something to read."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from server.runs import inlet
from server.runs.inlet import PIECE_BYTES, PIPES, SPARSE_BYTES, TURN_BYTES, Inlet

FLOODS = 3 * TURN_BYTES // PIECE_BYTES  # more than a turn reads


class Pipe:
    """One end is written to here; what the inlet reads of the other is counted."""

    def __init__(self, stack: ExitStack, of: Inlet) -> None:
        self.write, self.end = (stack.enter_context(each) for each in socket.socketpair())
        self.write.setblocking(False)
        self.end.setblocking(False)
        self.taken = 0
        self.then: Callable[[], None] = lambda: None
        of.watch(self.end.fileno(), self.read)

    def read(self, most: int) -> int:
        """What the inlet calls."""
        try:
            size = len(self.end.recv(most))
        except BlockingIOError:
            size = 0
        self.taken += size
        self.then()
        return size

    def fill(self) -> None:
        """All that the kernel takes."""
        try:
            while True:
                self.write.send(bytes(PIECE_BYTES))
        except BlockingIOError:
            pass


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is closed in the end."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def read(stack: ExitStack) -> Inlet:
    """An inlet whose turns come when they are called for."""
    return Inlet(stack.enter_context(select.epoll()))


def test_who_says_little_does_not_wait_for_those_who_flood(stack: ExitStack, read: Inlet) -> None:
    """However many pipes are full, a short line is read in the very next turn."""
    floods = [Pipe(stack, read) for _ in range(FLOODS)]
    quiet = Pipe(stack, read)
    for turn in range(30):
        for flood in floods:
            flood.fill()
        if turn > 3:  # it takes a turn or a few to find out who floods
            quiet.write.send(b"line\n")
        read.turn()
        if turn > 3:
            assert quiet.taken == 5 * (turn - 3)


def test_who_says_little_does_not_wait_for_those_who_begin_to_flood(
    stack: ExitStack, read: Inlet
) -> None:
    """Of each that nobody knows to be one of them, it waits for a small piece."""
    floods = [Pipe(stack, read) for _ in range(4 * PIPES)]
    quiet = Pipe(stack, read)
    for pipe in floods:
        pipe.fill()
    quiet.write.send(b"line\n")
    turns = 0
    while not quiet.taken:
        read.turn()
        turns += 1
    assert turns <= 2 + len(floods) / PIPES + len(floods) * SPARSE_BYTES / TURN_BYTES


def test_those_who_flood_are_read_in_turns(stack: ExitStack, read: Inlet) -> None:
    """None gets more than two pieces before all the others had one."""
    floods = [Pipe(stack, read) for _ in range(FLOODS)]
    for _ in range(30):
        for flood in floods:
            flood.fill()
        read.turn()
        assert max(f.taken for f in floods) - min(f.taken for f in floods) <= 2 * PIECE_BYTES
    assert min(flood.taken for flood in floods) > 5 * PIECE_BYTES


def test_those_who_flood_do_not_wait_for_ever(
    stack: ExitStack, read: Inlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the sparse ones take a whole turn, the bulky ones have a part of it nevertheless."""
    monkeypatch.setattr(inlet, "TURN_BYTES", 50)
    flood, *sparse = [Pipe(stack, read) for _ in range(20)]
    flood.fill()
    for _ in range(20):
        for each in sparse:
            each.write.send(b"line\n")
        read.turn()
    assert flood.taken > 5 * PIECE_BYTES
    assert min(each.taken for each in sparse) > 0


def test_one_that_was_made_to_leave_is_not_read(stack: ExitStack, read: Inlet) -> None:
    """A pipe may leave, or have others leave, while a turn is under way."""
    one, other = Pipe(stack, read), Pipe(stack, read)
    one.fill()
    other.fill()

    def leave() -> None:
        for each in (one, other):
            read.leave(each.end.fileno())

    one.then = other.then = leave
    read.turn()
    read.turn()
    assert sorted([one.taken, other.taken]) == [0, SPARSE_BYTES]

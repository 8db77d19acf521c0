"""One process that speaks for hundreds of runs, and never waits for a pipe."""

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from bench.readers import Readers

Render = Callable[[range, int], bytes]  # of events with these numbers, and a time
AT_ONCE = 64  # events between two looks at the readers
HEAR_SECONDS = 0.25
LATE_SECONDS = 0.5  # a server that is more behind at the end does not keep pace


class Feeder:
    """Feeds ``pipes`` in turn, each with its own numbers from 1."""

    def __init__(self, pipes: Sequence[socket.socket], render: Render):
        self.pipes = pipes
        self.render = render
        self._numbers = [0] * len(pipes)
        self._unsent = [b""] * len(pipes)
        self._turn = 0
        self._hear_at = 0.0
        self._said = select.epoll()
        self._by_fd = {pipe.fileno(): pipe for pipe in pipes}
        for pipe in pipes:
            pipe.setblocking(False)
            self._said.register(pipe.fileno(), select.EPOLLIN)

    def feed(self, events: int = 1) -> int:
        """Write events to the next pipe; how many: none if it is full."""
        turn = self._turn
        self._turn = (turn + 1) % len(self.pipes)
        waits = self._unsent[turn]
        written = 0
        if not waits:
            waits = self.rendered(turn, events)
            written = events
        with suppress(BlockingIOError):
            waits = waits[self.pipes[turn].send(waits) :]
        self._unsent[turn] = waits
        return written

    def rendered(self, turn: int, events: int) -> bytes:
        """The next events of a pipe, all of this moment."""
        first = self._numbers[turn] + 1
        self._numbers[turn] += events
        return self.render(range(first, first + events), time.monotonic_ns())

    def skip(self, events: int) -> int:
        """Somebody else sends the next events of every pipe; the number before the first."""
        before = self._numbers[0]
        assert set(self._numbers) == {before}
        self._numbers = [number + events for number in self._numbers]
        return before

    def hear(self) -> None:
        """Take the acknowledgements that have come, now and then: many in one read."""
        if (now := time.monotonic()) < self._hear_at:
            return
        self._hear_at = now + HEAR_SECONDS
        for fd, _ in self._said.poll(0, len(self.pipes)):
            self._by_fd[fd].recv(1 << 16)


class Paced(NamedTuple):
    """What became of events that were sent at a pace."""

    sent: int
    seconds: float
    seen: int  # at the end of those seconds
    latencies: list[int]  # ns, of all
    all_came: bool

    @property
    def kept_pace(self) -> bool:
        """Whether nearly all had come when the last was sent."""
        return self.all_came and self.sent - self.seen <= self.sent / self.seconds * LATE_SECONDS


def paced(opened: Readers, feeder: Feeder, rate: int, seconds: float, patience: float) -> Paced:
    """Send events one by one at ``rate``, then wait for the last of them."""
    opened.latencies = []
    began = time.monotonic()
    sent = seen = 0
    while (now := time.monotonic() - began) < seconds:
        due = int(now * rate) - sent
        for _ in range(min(due, AT_ONCE)):
            sent += feeder.feed()
        # Asleep where there is time: two cores may be two threads of one, and a client that spins
        # takes from the server what it was given.
        seen += opened.time(0 if due > AT_ONCE else 0.001)
        feeder.hear()
    in_time, deadline = seen, time.monotonic() + patience
    while seen < sent and time.monotonic() < deadline:
        seen += opened.time(0.1)
        feeder.hear()
    return Paced(sent, seconds, in_time, opened.latencies, seen == sent)

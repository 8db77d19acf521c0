"""Fill sessions through the pipes of their runs, as fast as they take it."""

import select
import time
from collections.abc import Callable

from bench.feeder import Feeder

LINES = 40  # in one write to a pipe
AT_ONCE = 100_000  # events that are rendered ahead
PIPES = 64  # that are written to between two looks at the readers


class Flood:
    """Blocks of lines, rendered once for all pipes, and how far each pipe has got."""

    def __init__(self, feeder: Feeder, events: int):
        first, stamp = feeder.skip(events) + 1, time.monotonic_ns()
        self._blocks = [
            memoryview(feeder.render(range(n, min(n + LINES, first + events)), stamp))
            for n in range(first, first + events, LINES)
        ]
        self._left = {pipe.fileno(): (pipe, 0, self._blocks[0]) for pipe in feeder.pipes}
        self._pipes = {pipe.fileno(): pipe for pipe in feeder.pipes}
        self._epoll = select.epoll()
        for fd in self._left:
            self._epoll.register(fd, select.EPOLLIN | select.EPOLLOUT)

    @property
    def done(self) -> bool:
        """Whether all of it is in the pipes."""
        return not self._left

    def push(self, timeout: float = 0.0) -> int:
        """Write a block to each pipe that has room; how many were written whole."""
        blocks = 0
        for fd, what in self._epoll.poll(timeout, PIPES):
            if what & select.EPOLLIN:
                self._pipes[fd].recv(1 << 16)  # acknowledgements
            if what & select.EPOLLOUT and fd in self._left:
                blocks += self._write(fd)
        return blocks

    def _write(self, fd: int) -> int:
        pipe, index, rest = self._left[fd]
        try:
            rest = rest[pipe.send(rest) :]
        except BlockingIOError:
            return 0
        if rest:
            self._left[fd] = pipe, index, rest
            return 0
        if index + 1 < len(self._blocks):
            self._left[fd] = pipe, index + 1, self._blocks[index + 1]
        else:
            del self._left[fd]
            self._epoll.modify(fd, select.EPOLLIN)
        return 1


def pour(
    feeder: Feeder, events: int, until: Callable[[], bool], read: Callable[[], object] = int
) -> None:
    """Send ``events`` through every pipe, and wait until they are where they are to be.

    ``read`` is called all the while.
    """
    left = events
    while left:
        some = min(left, AT_ONCE)
        flood = Flood(feeder, some)
        left -= some
        while not flood.done or (not left and not until()):
            flood.push(0.002)
            read()

"""The pipes of all runs, read in turns: one look at the kernel for all that have something to say.

A transport of asyncio's for each would cost more than the reading does: a handle and its turn of
the loop for each piece, and a buffer of 256 KiB that the allocator maps and unmaps for each (ten
times the time of the ``recv`` itself). So there is one descriptor for the log to look at, an epoll
of our own, and what is ready there is read in one go when the log has time for it.
"""

import select
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from server.records import Feed

#: Pipes that one look finds: the others come with the next.
PIPES = 256
#: What is read in a turn, about as much as a group of the log takes; and of each pipe in one go, so
#: that a run with much to say does not keep the others waiting.
TURN_BYTES = 256 << 10
PIECE_BYTES = 16 << 10

log = structlog.get_logger()

Read = Callable[[], int]


class Inlet:
    """Calls back whoever has something to read. Level-triggered: again, until it was read."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._reads: dict[int, Read] = {}
        self._due: list[int] = []  # found ready, and not read for the turn's bytes

    def watch(self, descriptor: int, read: Read) -> None:
        """Call ``read`` whenever there are bytes or an end to read; it returns how many it took."""
        self._reads[descriptor] = read
        self._epoll.register(descriptor, select.EPOLLIN)

    def leave(self, descriptor: int) -> None:
        """Watch it no more; to be called before it is closed."""
        if self._reads.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def turn(self) -> None:
        """Read a piece of all that are ready, and more of those that have more, in turns."""
        due = self._due = self._found()
        again: deque[int] = deque()
        left = TURN_BYTES
        while left > 0 and (due or again):
            descriptor = due.pop() if due else again.popleft()
            read = self._reads.get(descriptor)  # one that was read before may have made it leave
            if read is not None:
                size = _called(read)
                left -= size
                if size == PIECE_BYTES:
                    again.append(descriptor)

    def _found(self) -> list[int]:
        """Those that are ready, the first at the end: it is read who was not in the last turn."""
        waiting = set(self._due)
        ready = [fd for fd, _ in self._epoll.poll(0, PIPES) if fd not in waiting]
        ready.reverse()
        return ready + self._due


def _called(read: Read) -> int:
    try:
        return read()
    except Exception:  # one run's bug must not leave the others unread
        log.exception("A run's pipe could not be read")
        return PIECE_BYTES


@contextmanager
def opened(feed: Feed) -> Iterator[Inlet]:
    """An inlet that the log draws from meanwhile."""
    with select.epoll() as epoll:
        inlet = Inlet(epoll)
        with feed(epoll.fileno(), inlet.turn):
            yield inlet

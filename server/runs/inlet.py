"""The pipes of all runs, read in turns: one look at the kernel for all that have something to say.

A transport of asyncio's for each would cost more than the reading does: a handle and its turn of
the loop for each piece, and a buffer of 256 KiB that the allocator maps and unmaps for each (ten
times the time of the ``recv`` itself). So there is one descriptor for the log to look at, an epoll
of our own, and what is ready there is read in one go when the log has time for it.

Who has little to say is read first, a small piece at most; those whose last piece was full follow,
in turns and in larger pieces, as far as the turn's bytes go: the sparse flows before the bulky
ones, as in FQ-CoDel (RFC 8290, 4.2). So a run that emits now and then does not wait for those that
flood, and for those that begin to it waits a small piece each.
"""

import select
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from server.records import Feed

#: Pipes that one look finds, beside those that are known to have more: the others come next time.
PIPES = 48
#: What is read in a turn, about as much as a group of the log takes; and of those with much to say
#: at least, however many have a little.
TURN_BYTES = 128 << 10
LEAST_BYTES = 32 << 10
#: What is read of a pipe in one go: of one that had little to say the last time, and of the others.
SPARSE_BYTES = 3 << 10
PIECE_BYTES = 16 << 10

log = structlog.get_logger()

Read = Callable[[int], int]


class Inlet:
    """Calls back whoever has something to read, again and again until it was read."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._reads: dict[int, Read] = {}
        self._due: list[int] = []  # found ready, and not read for the turn's bytes; the first last
        self._bulky: OrderedDict[int, None] = OrderedDict()  # whose last piece was a full one

    def watch(self, descriptor: int, read: Read, *, bulky: bool = False) -> None:
        """Call ``read`` whenever there are bytes or an end to read.

        It is given how many it may take, and returns how many it took.
        ``bulky`` says that the pipe is known to have more to say than others.
        """
        self._reads[descriptor] = read
        self._epoll.register(descriptor, select.EPOLLIN)
        if bulky:
            self._bulky[descriptor] = None

    def leave(self, descriptor: int) -> None:
        """Watch it no more; to be called before it is closed."""
        if self._reads.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)
            self._bulky.pop(descriptor, None)

    def turn(self) -> None:
        """Read a piece of all that are ready, and then of those that have more, in turns."""
        due = self._due = self._found()
        left = TURN_BYTES
        while due and left > 0:
            left -= self._read(due.pop(), SPARSE_BYTES)
        left = max(left, LEAST_BYTES)
        while self._bulky and left > 0:
            left -= self._read(self._bulky.popitem(last=False)[0], PIECE_BYTES)

    def _found(self) -> list[int]:
        """Those that are ready, but for the bulky ones."""
        bulky, waiting = self._bulky, set(self._due)
        ready = self._epoll.poll(0, PIPES + len(bulky))
        new = [fd for fd, _ in ready if fd not in bulky and fd not in waiting]
        new.reverse()
        return new + self._due

    def _read(self, descriptor: int, most: int) -> int:
        read = self._reads.get(descriptor)
        if read is None:  # one that was read before has made it leave
            return 0
        try:
            size = read(most)
        except Exception:  # one run's bug must not leave the others unread
            log.exception("A run's pipe could not be read")
            return most
        if size == most and descriptor in self._reads:
            self._bulky[descriptor] = None
        return size


@contextmanager
def opened(feed: Feed) -> Iterator[Inlet]:
    """An inlet that the log draws from meanwhile."""
    with select.epoll() as epoll:
        inlet = Inlet(epoll)
        with feed(epoll.fileno(), inlet.turn):
            yield inlet

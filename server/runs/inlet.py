"""The pipes of all runs, read in turns: one look at the kernel for all that have something to say.

A transport of asyncio's for each would cost more than the reading does: a handle and its turn of
the loop for each piece, and a buffer of 256 KiB that the allocator maps and unmaps for each (ten
times the time of the ``recv`` itself). So the loop watches one descriptor, an epoll of its own, and
what is ready there is read in one go.
"""

import asyncio
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

#: Pipes that are read in one turn of the loop: the others have their turn in the next.
PIPES = 256

log = structlog.get_logger()


class Inlet:
    """Calls back whoever has something to read. Level-triggered: again, until it was read."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._ready: dict[int, Callable[[], None]] = {}

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call ``ready`` whenever there are bytes or an end to read."""
        self._ready[descriptor] = ready
        self._epoll.register(descriptor, select.EPOLLIN)

    def leave(self, descriptor: int) -> None:
        """Watch it no more; to be called before it is closed."""
        if self._ready.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def turn(self) -> None:
        """Call those that are ready now."""
        for descriptor, _ in self._epoll.poll(0, PIPES):
            ready = self._ready.get(descriptor)  # one before it may have made it leave
            if ready is not None:
                try:
                    ready()
                except Exception:  # one run's bug must not leave the others unread
                    log.exception("A run's pipe could not be read")


@contextmanager
def opened() -> Iterator[Inlet]:
    """An inlet that the loop looks at meanwhile."""
    loop = asyncio.get_running_loop()
    with select.epoll() as epoll:
        inlet = Inlet(epoll)
        loop.add_reader(epoll.fileno(), inlet.turn)
        try:
            yield inlet
        finally:
            loop.remove_reader(epoll.fileno())

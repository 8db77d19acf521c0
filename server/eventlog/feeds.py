"""Where appends come from: looked at between two commits, and not while one is under way."""

import asyncio
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()

Turn = Callable[[], None]


@contextmanager
def always(descriptor: int, turn: Turn) -> Iterator[None]:
    """Draw whenever there is something: for a log whose commits take no time."""
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, turn)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


class Feed:
    """One descriptor that is readable when ``turn`` would submit something.

    The loop looks at an epoll that rings once when it is armed. To have it look at the descriptor
    itself, now and then, would be to insert that each time: where it is an epoll too, the kernel
    then walks all that it holds, for every event that comes alone.
    """

    def __init__(self, descriptor: int, turn: Turn, wake: Turn, bell: select.epoll) -> None:
        self._descriptor = descriptor
        self._turn = turn
        self._wake = wake
        self._bell = bell
        self._armed = False
        bell.register(descriptor, 0)

    def watch(self) -> None:
        """Wake the writer once, as soon as there is something."""
        if not self._armed:
            self._armed = True
            self._bell.modify(self._descriptor, select.EPOLLIN | select.EPOLLONESHOT)

    def rings(self) -> None:
        """There is something; it will not ring again before it is watched again."""
        if self._bell.poll(0):
            self._armed = False
            self._wake()

    def draw(self) -> None:
        """Have what there is submitted; a bug there must not stop the writer."""
        if not self._armed:
            try:
                self._turn()
            except Exception:
                log.exception("A feed of the event log failed")


class Feeds:
    """All of one log."""

    def __init__(self) -> None:
        self._feeds: list[Feed] = []

    @contextmanager
    def open(self, descriptor: int, turn: Turn, wake: Turn) -> Iterator[None]:
        """Draw from one more while the context lasts."""
        loop = asyncio.get_running_loop()
        with select.epoll() as bell:
            feed = Feed(descriptor, turn, wake, bell)
            self._feeds.append(feed)
            loop.add_reader(bell.fileno(), feed.rings)
            feed.watch()
            try:
                yield
            finally:
                loop.remove_reader(bell.fileno())
                self._feeds.remove(feed)

    def draw(self) -> None:
        """Take what there is, from those that nobody watches."""
        for feed in self._feeds:
            feed.draw()

    def watch(self) -> None:
        """There is nothing to do: have them wake the writer."""
        for feed in self._feeds:
            feed.watch()

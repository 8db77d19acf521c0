"""Where appends come from: looked at between two commits, and not while one is under way."""

import asyncio
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
    """One descriptor that is readable when ``turn`` would submit something."""

    def __init__(self, descriptor: int, turn: Turn, wake: Turn) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._turn = turn
        self._wake = wake
        self._watched = False

    def watch(self) -> None:
        """Wake the writer once there is something."""
        if not self._watched:
            self._watched = True
            self._loop.add_reader(self._descriptor, self._readable)

    def leave(self) -> None:
        """Wake nobody."""
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self._descriptor)

    def _readable(self) -> None:
        self.leave()  # or it would be called again and again for as long as a commit takes
        self._wake()

    def draw(self) -> None:
        """Have what there is submitted; a bug there must not stop the writer."""
        if not self._watched:
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
        feed = Feed(descriptor, turn, wake)
        self._feeds.append(feed)
        feed.watch()
        try:
            yield
        finally:
            self._feeds.remove(feed)
            feed.leave()

    def draw(self) -> None:
        """Take what there is, from those that nobody watches."""
        for feed in self._feeds:
            feed.draw()

    def watch(self) -> None:
        """There is nothing to do: have them wake the writer."""
        for feed in self._feeds:
            feed.watch()

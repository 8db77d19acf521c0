"""Who wants to know that a session's log went on, or went away."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()

Wake = Callable[[], None]


class Watch:
    """One watcher of one session, until its context ends."""

    __slots__ = ("wake",)

    def __init__(self, wake: Wake) -> None:
        self.wake: Wake | None = wake


class Watchers:
    """The watchers of each session that has any."""

    def __init__(self) -> None:
        self._watches: dict[str, tuple[Watch, ...]] = {}

    @contextmanager
    def watch(self, session: str, wake: Wake) -> Iterator[None]:
        """Have ``wake`` called after commits to ``session`` while the context lasts."""
        watch = Watch(wake)
        self._watches[session] = (*self._watches.get(session, ()), watch)
        try:
            yield
        finally:
            watch.wake = None
            left = tuple(each for each in self._watches[session] if each is not watch)
            if left:
                self._watches[session] = left
            else:
                del self._watches[session]

    def wake(self, sessions: Iterable[str]) -> None:
        """Wake those who watch one of ``sessions``."""
        for session in sessions:
            for watch in self._watches.get(session, ()):
                wake = watch.wake
                try:
                    if wake is not None:  # one before it may have ended this watch
                        wake()
                except Exception:  # one watcher's bug must not leave the others asleep
                    log.exception("A watcher failed")

"""Who wants to know that a session's log went on, or went away."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger()

Wake = Callable[[], None]


class Watchers:
    """The watchers of each session that has any."""

    def __init__(self) -> None:
        self._wakes: dict[str, dict[object, Wake]] = {}

    @contextmanager
    def watch(self, session: str, wake: Wake) -> Iterator[None]:
        """Have ``wake`` called after commits to ``session`` while the context lasts."""
        token = object()
        self._wakes.setdefault(session, {})[token] = wake
        try:
            yield
        finally:
            left = self._wakes[session]
            del left[token]
            if not left:
                del self._wakes[session]

    def wake(self, sessions: Iterable[str]) -> None:
        """Wake those who watch one of ``sessions``."""
        for session in sessions:
            watching = self._wakes.get(session)
            if watching is not None:
                for token, wake in tuple(watching.items()):
                    if token in watching:  # a wake-up before this one may have ended this watch
                        _call(wake)


def _call(wake: Wake) -> None:
    try:
        wake()
    except Exception:  # one watcher's bug must not leave the others asleep
        log.exception("A watcher failed")

"""Damage that was found: which events of which session are not what was written."""

from collections.abc import Iterator

import structlog

from server.errors import StoreDamaged

log = structlog.get_logger()

#: Stretches that are remembered; what is more was in the log.
MOST = 1000


class Damage:
    """What was found since the store was opened, each stretch told in the log once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int], StoreDamaged] = {}

    def __iter__(self) -> Iterator[StoreDamaged]:
        return iter(self._found.values())

    def note(self, error: StoreDamaged) -> StoreDamaged:
        """Remember ``error``, and return it."""
        where = error.session, error.first, error.last
        if where not in self._found and len(self._found) < MOST:
            self._found[where] = error
            log.error(
                "The store is damaged",
                session=error.session or None,
                first=error.first or None,
                last=error.last or None,
                error=error.message,
            )
        return error

    def forget(self, session: str) -> None:
        """The session was deleted, and its damage with it."""
        self._found = {where: each for where, each in self._found.items() if where[0] != session}

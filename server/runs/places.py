"""Places: so many runs at once, the others first come, first served."""

from collections import deque
from contextlib import suppress

from server.errors import AtCapacity
from server.runs.child import Child
from server.runs.life import Signal, State

RETRY_AFTER = 5  # seconds until a place in the queue may be free


class Places:
    """Who has one, and who waits. Nobody gets one any more once it is closed."""

    def __init__(self, places: int, queued: int) -> None:
        self._places = places
        self._queued = queued
        self._placed: set[Child] = set()
        self._queue: deque[Child] = deque()
        self._expected = 0  # accepted, but not committed yet
        self._closed = False

    def check_capacity(self) -> None:
        """Raise :class:`AtCapacity` when a run could neither start nor wait."""
        room = self._places - len(self._placed) + self._queued
        if len(self._queue) + self._expected >= room:
            raise AtCapacity(
                f"{self._places} runs are active and {len(self._queue)} wait: try again later",
                retry_after=RETRY_AFTER,
            )

    def expect(self) -> None:
        """Keep room for a run that is being accepted, until it is or not: :meth:`settle`."""
        self._expected += 1

    def settle(self) -> None:
        """One that was expected has entered, or never will."""
        self._expected -= 1

    def enter(self, child: Child) -> None:
        """Let it start, or wait for its turn."""
        self._queue.append(child)
        self._fill()

    def hold(self, child: Child) -> None:
        """It has a process already, and so a place, however many there are."""
        self._placed.add(child)

    def free(self, child: Child) -> None:
        """Its process is gone: the place is the next one's."""
        self._placed.discard(child)
        self._fill()

    def forget(self, child: Child) -> None:
        """Nothing is left of it: it does not wait."""
        with suppress(ValueError):
            self._queue.remove(child)

    def close(self) -> list[Child]:
        """Give no place any more; returns those who wait."""
        self._closed = True
        return [child for child in self._queue if child.state is State.QUEUED]

    def _fill(self) -> None:
        while self._queue and len(self._placed) < self._places and not self._closed:
            child = self._queue.popleft()
            if child.state is State.QUEUED:
                self._placed.add(child)
                child.signal(Signal.PLACED)

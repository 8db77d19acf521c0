"""What was asked of the writer and has not begun, in the order in which it came. Pure."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from server.eventlog.group import Append

#: What a group takes at most (one append more): it bounds how long the others wait.
GROUP_BYTES = 128 * 1024


class Removal(NamedTuple):
    """A session to be deleted; whether there was one."""

    session: str
    done: asyncio.Future[bool]
    size: int = 0

    def tell(self, removed: object, error: Exception | None = None) -> None:
        """Say how it went, to whoever still waits."""
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(bool(removed))


Request = Append | Removal


class Waiting:
    """Appends and removals that wait for the writer."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque()
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._requests)

    @property
    def full(self) -> bool:
        """Whether the next group is: what would be drawn now had to wait for the one after it."""
        return self._size >= GROUP_BYTES

    def put(self, request: Request) -> None:
        """Let ``request`` wait behind the others."""
        self._requests.append(request)
        self._size += request.size

    def take(self) -> Removal | list[Append]:
        """What comes next: a removal, or what goes into one group, in order, up to a removal."""
        first = self._requests[0]
        if isinstance(first, Removal):
            self._requests.popleft()
            return first
        taken: list[Append] = []
        size = 0
        while self._requests and size < GROUP_BYTES:
            first = self._requests[0]
            if isinstance(first, Removal):
                break
            taken.append(first)
            size += first.size
            self._requests.popleft()
        self._size -= size
        return taken

    def behind(self, appends: list[Append]) -> list[Append]:
        """Those that wait for a session of ``appends``; they are no longer here."""
        sessions = {append.session.id for append in appends}
        found: list[Append] = []
        left: deque[Request] = deque()
        for request in self._requests:
            if isinstance(request, Append) and request.session.id in sessions:
                found.append(request)
                self._size -= request.size
            else:
                left.append(request)
        self._requests = left
        return found

    def keep(self, wanted: Callable[[Request], bool]) -> None:
        """Let go of all that are not ``wanted``."""
        self._requests = deque(filter(wanted, self._requests))
        self._size = sum(request.size for request in self._requests)

"""Stretches of logs that readers share: whoever catches up behind another gets the same bytes.

A hundred readers that come late to a long session want the same, one a little behind the other. A
stretch is read from the log once and encoded once, for as long as somebody asked for it lately.
Its bounds follow from where it begins alone, so readers that began at the same event meet at every
bound, however fast their sockets are.

They also share the loop with those who are live, and give way to them: in one turn of the loop one
is let on, in the order in which they came.
"""

import asyncio
import os
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

from server.events import Event
from server.sessions.sink import Encoding

#: What a stretch has at most (an event may be larger). It is handed to a socket at once: the kernel
#: takes it whole, or asyncio keeps it, and that is all that a reader who does not read costs.
STRETCH_BYTES = 16 * 1024
#: What is kept of all sessions together, in bytes of events, which are kept encoded too; and what a
#: stretch counts beside its events.
KEPT_BYTES = 4 * 1024 * 1024
STRETCH_COST = 500
#: What a reader is handed in its turn: about half a millisecond, which a live reader waits longer.
IN_A_ROW = 8

Key = tuple[str, str, int]  # session, epoch, and the offset before the first event
Read = Callable[[], Awaitable[Sequence[Event]]]


class Stretch:
    """Events that follow one another, at least one; and their bytes, once somebody wants them."""

    __slots__ = ("_encoded", "events", "last", "size")

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.last = events[-1].offset
        self.size = STRETCH_COST + sum(len(event.line) for event in events)
        self._encoded: dict[Encoding, bytes] = {}

    def encoded(self, encoding: Encoding, epoch: str) -> bytes:
        """All of it as the bytes of one write."""
        encoded = self._encoded.get(encoding)
        if encoded is None:
            encoded = self._encoded[encoding] = encoding.events(epoch, self.events)
        return encoded


#: Done when its reader is to go on, with what.
Turn = asyncio.Future[Stretch | None]


class Stretches:
    """Those that were asked for last, of all sessions."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[Key, Stretch] = OrderedDict()  # the one asked for last at the end
        #: Who waits for what is being read.
        self._reading: dict[Key, list[Turn]] = {}
        #: Who waits for a turn, and has what to go on with.
        self._queue: deque[tuple[Turn, Stretch | None]] = deque()

    def find(self, key: Key) -> Stretch | None:
        """The stretch that begins there, if it is kept."""
        stretch = self._kept.get(key)
        if stretch is not None:
            self._kept.move_to_end(key)
        return stretch

    async def next(self, key: Key, read: Read, end: Callable[[], int]) -> Stretch | None:
        """The stretch that begins there, when it is the caller's turn; None if there is none.

        ``read`` gives a page from there on, for all who ask meanwhile, and what it raises is raised
        to all of them; ``end`` the offset of the log's last event.
        """
        turn: Turn = asyncio.get_running_loop().create_future()
        if (stretch := self.find(key)) is not None:
            self._line_up([(turn, stretch)])
        elif key in self._reading:
            self._reading[key].append(turn)
        else:
            self._reading[key] = [turn]
            reading = asyncio.create_task(self._read(key, read, end))
            reading.add_done_callback(partial(self._pass_on, key))
        return await turn

    def _pass_on(self, key: Key, reading: asyncio.Task[Stretch | None]) -> None:
        # They get in line: in one go a hundred would be woken in the same turn of the loop.
        waiting = self._reading.pop(key)
        if reading.cancelled():
            for turn in waiting:
                turn.cancel()
        elif (error := reading.exception()) is not None:
            for turn in waiting:
                if not turn.done():
                    turn.set_exception(error)
        else:
            self._line_up([(turn, reading.result()) for turn in waiting])

    def _line_up(self, more: Sequence[tuple[Turn, Stretch | None]]) -> None:
        if not self._queue:
            asyncio.get_running_loop().call_soon(self._let_on)
        self._queue.extend(more)

    def _let_on(self) -> None:
        # Whoever has something to do beside those who catch up, first of all the log's writer, is
        # woken while the loop runs, and the kernel may let the loop run on for milliseconds.
        os.sched_yield()
        turn, stretch = self._queue.popleft()
        if not turn.done():  # a reader that has left
            turn.set_result(stretch)
        if self._queue:
            asyncio.get_running_loop().call_soon(self._let_on)

    async def _read(self, key: Key, read: Read, end: Callable[[], int]) -> Stretch | None:
        found = [Stretch(part) for part in parts(await read())]
        if len(found) > 1 and found[-1].last < end():
            found.pop()  # cut by the page's end: it would be a bound that others do not have
        session, epoch, after = key
        for stretch in found:
            self._keep((session, epoch, after), stretch)
            after = stretch.last
        return found[0] if found else None

    def _keep(self, key: Key, stretch: Stretch) -> None:
        before = self._kept.pop(key, None)
        self._kept[key] = stretch
        self._size += stretch.size - (before.size if before else 0)
        while self._size > self._limit:
            self._size -= self._kept.popitem(last=False)[1].size


def parts(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """``events`` in stretches: between two of them it shows who does not drain."""
    start, size = 0, 0
    for index, event in enumerate(events):
        size += len(event.line)
        if size > STRETCH_BYTES and index > start:
            yield events[start:index]
            start, size = index, len(event.line)
    if start < len(events):
        yield events[start:] if start else events

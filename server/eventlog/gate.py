"""Waiting without a turn of the loop: a task goes on in the very call that opens its gate.

A future wakes its task through the loop's queue, a turn later and behind all that is due by then.
The log's writer waits twice for each commit, for something to do and for the disk, and every event
with it: while others catch up these turns were most of what a live reader waited for.
"""

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextvars import Context
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Gate:
    """Where one task waits.

    It is what asyncio takes for a future by its face ("duck-type compatible", asyncio/futures.py),
    but for the one thing that a future does in its own time: to call back.
    """

    _asyncio_future_blocking = False

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._resume: Callable[[], object] | None = None
        self._cancelled = False

    @property
    def shut(self) -> bool:
        """Whether somebody waits."""
        return self._resume is not None

    def __await__(self) -> Generator["Gate", None, None]:
        self._asyncio_future_blocking = True
        yield self

    def open(self) -> None:
        """Let go on who waits, if anybody does, and return when it waits for something else.

        To be called by the loop: a task that called it would be within another.
        """
        resume, self._resume = self._resume, None
        if resume is not None:
            resume()

    # What a task calls.

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop whose tasks may wait."""
        return self._loop

    def add_done_callback(self, callback: Callable[["Gate"], object], *, context: Context) -> None:
        """Who waits."""
        self._resume = partial(context.run, callback, self)

    def result(self) -> None:
        """What it has waited for; raises CancelledError if it was cancelled meanwhile."""
        cancelled, self._cancelled = self._cancelled, False
        if cancelled:
            raise asyncio.CancelledError

    def cancel(self, msg: Any = None) -> bool:  # noqa: ARG002 - a task's words, which it keeps
        """Have it go on, to its end."""
        self._cancelled = True
        self._loop.call_soon(self.open)
        return True


async def done(work: Future[T]) -> T:
    """The result of what a thread does, or its error; goes on in the turn that hears of it."""
    gate = Gate()
    work.add_done_callback(lambda _: gate.get_loop().call_soon_threadsafe(gate.open))
    await gate
    return work.result()


class Bell:
    """Wakes one task whenever there is something for it to do."""

    def __init__(self) -> None:
        self._gate = Gate()
        self._rung = False

    def clear(self) -> None:
        """Wait for the next ring, whatever has rung."""
        self._rung = False

    async def wait(self) -> None:
        """Return as soon as it has rung since it was cleared."""
        while not self._rung:  # what ``ring_soon`` has under way may come after a ``ring``
            await self._gate

    def ring(self) -> None:
        """Wake it now. To be called by the loop."""
        self._rung = True
        self._gate.open()

    def ring_soon(self) -> None:
        """Wake it in a later turn; from any task."""
        self._rung = True
        if self._gate.shut:
            asyncio.get_running_loop().call_soon(self._gate.open)

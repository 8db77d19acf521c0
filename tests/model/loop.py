"""An event loop without a selector, a thread or a clock: a seed decides what happens next."""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Any


class Handle:
    """A callback that waits for its turn."""

    __slots__ = ("arguments", "callback", "gone")

    def __init__(self, callback: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self.callback = callback
        self.arguments = arguments
        self.gone = False

    def cancel(self) -> None:
        """Have it never called."""
        self.gone = True

    def cancelled(self) -> bool:
        """Whether it will never be called."""
        return self.gone


class SeededLoop(asyncio.BaseEventLoop):
    """What tasks and futures need of a loop, and nothing that waits.

    Callbacks that are ready are called in the order of their registration, as asyncio promises,
    unless ``shuffled``: then in any order, which asyncio never does and a rule must bear all the
    same. Time stands still until :meth:`pass_time`. A loop that was abandoned forgets everything.
    """

    def __init__(self, random: Random, at: float, *, shuffled: bool) -> None:
        # Nothing of BaseEventLoop is used: it is here for its name.
        self.failures: list[str] = []
        self.offload: Callable[[Callable[[], Any]], asyncio.Future[Any]]
        self._random = random
        self._at = at
        self._shuffled = shuffled
        self._abandoned = False
        self._ready: list[Handle] = []
        self._timers: list[tuple[float, int, Handle]] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._count = 0

    # -- what the world does

    def run(self, limit: int) -> bool:
        """Call what is ready, at most ``limit`` callbacks; whether nothing is left."""
        ready, shuffled, random = self._ready, self._shuffled, self._random.random
        while limit and (ready or self._due()):
            limit -= 1
            handle = ready.pop(int(random() * len(ready)) if shuffled else 0)
            if not handle.gone:
                try:
                    handle.callback(*handle.arguments)
                except Exception as error:  # noqa: BLE001 - whatever it is, a schedule found it
                    self.failures.append(f"a callback raised {error!r}")
        return not ready

    def pass_time(self) -> bool:
        """Go to the next moment that something waits for; False if there is none."""
        timers = self._timers
        while timers and timers[0][2].gone:
            heapq.heappop(timers)
        if timers:
            self._at = max(self._at, timers[0][0])
        return self._due()

    def _due(self) -> bool:
        timers = self._timers
        while timers and timers[0][0] <= self._at:
            self._ready.append(heapq.heappop(timers)[2])
        return bool(self._ready)

    def abandon(self) -> None:
        """Forget everything: the process is gone."""
        self._abandoned = True
        self._ready.clear()
        self._timers.clear()
        # Here and now, not whenever the garbage collector comes by: a schedule must replay.
        task: Any
        for task in self._tasks:
            if task.done():
                self._look_at(task)
            else:
                task._log_destroy_pending = False
                work: Any = task.get_coro()
                with suppress(RuntimeError):  # it would have waited for something as its last act
                    work.close()
        self._tasks.clear()

    def _look_at(self, task: Any) -> None:
        if not task.cancelled() and task._log_traceback:
            self.failures.append(f"nobody heard that {task.get_coro()} raised {task.exception()!r}")

    # -- what asyncio asks of a loop

    def time(self) -> float:  # noqa: D102
        return self._at

    def get_debug(self) -> bool:  # noqa: D102
        return False

    def is_running(self) -> bool:  # noqa: D102
        return True

    def is_closed(self) -> bool:  # noqa: D102
        return self._abandoned

    def create_future(self) -> asyncio.Future[Any]:  # noqa: D102
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override] # noqa: D102
        self, work: Coroutine[Any, Any, Any], **_: Any
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(work, loop=self)
        self._tasks.append(task)
        return task

    def call_soon(  # type: ignore[override] # noqa: D102
        self, callback: Callable[..., object], *arguments: Any, context: object = None
    ) -> Handle:
        handle = Handle(callback, arguments)
        if not self._abandoned:
            self._ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def call_later(  # type: ignore[override] # noqa: D102
        self, delay: float, callback: Callable[..., object], *arguments: Any, context: object = None
    ) -> Handle:
        return self.call_at(self._at + delay, callback, *arguments)

    def call_at(  # type: ignore[override] # noqa: D102
        self, when: float, callback: Callable[..., object], *arguments: Any, context: object = None
    ) -> Handle:
        handle = Handle(callback, arguments)
        if not self._abandoned:
            self._count += 1
            heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def run_in_executor(  # type: ignore[override] # noqa: D102
        self, _executor: object, work: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        return self.offload(lambda: work(*arguments))

    def call_exception_handler(self, context: dict[str, Any]) -> None:  # noqa: D102
        if not self._abandoned:
            self.failures.append(f"{context.get('message')}: {context.get('exception')!r}")

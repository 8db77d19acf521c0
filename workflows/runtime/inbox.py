"""What the server says to the run: start, stop, and answers to its questions.

The listener thread puts in; the workflow's threads wait here. Everything that the server repeats
after a new connection is ignored the second time.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

from workflows.runtime.pipe import Start

_STOPPED = object()
"""Delivered in place of an answer."""


class Inbox:
    """Thread-safe. Callbacks are called by the listener and must not block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._starts: SimpleQueue[Start] = SimpleQueue()
        self._questions: dict[str, Callable[[object], None]] = {}
        self._on_stop: list[Callable[[], None]] = []
        self.started = False
        self.stopped = False
        self.stop_noticed = False
        """The workflow has read `ctx.cancelled` when it was true."""

    # Said by the server

    def start(self, start: Start) -> None:
        """Let the main thread begin, which happens once."""
        if self.started:
            return
        self.started = True
        self._starts.put(start)

    def stop(self) -> None:
        """Ask the workflow to stop, and wake whatever waits for an answer."""
        with self._lock:
            if self.stopped:
                return
            self.stopped = True
            callbacks = self._on_stop
            questions, self._questions = self._questions, {}
        for callback in callbacks:
            callback()
        for deliver in questions.values():
            deliver(_STOPPED)

    def answer(self, request: str, value: object) -> None:
        """Deliver an answer; one that nobody waits for (any more) is ignored."""
        with self._lock:
            deliver = self._questions.pop(request, None)
        if deliver is not None:
            deliver(value)

    # Awaited by the workflow's side

    def wait_for_start(self) -> Start:
        """Block until the run may begin."""
        return self._starts.get()

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Have `callback` called once when a stop is asked for; at once if it was."""
        with self._lock:
            if not self.stopped:
                self._on_stop.append(callback)
                return
        callback()

    @property
    def asking(self) -> list[str]:
        """The questions that wait for an answer."""
        with self._lock:
            return list(self._questions)

    def ask(self, request: str, send: Callable[[], None]) -> object:
        """Send a question and wait for the answer: an awaitable where an event loop runs.

        Raises asyncio.CancelledError when a stop is asked for, or was.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._ask_blocking(request, send)
        return self._ask_in_loop(request, send, loop)

    def _ask_blocking(self, request: str, send: Callable[[], None]) -> object:
        answers: SimpleQueue[object] = SimpleQueue()
        self._open(request, answers.put)
        try:
            send()
            value = answers.get()
        finally:
            self._forget(request)
        if value is _STOPPED:
            raise asyncio.CancelledError
        return value

    async def _ask_in_loop(
        self, request: str, send: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> object:
        answer: asyncio.Future[object] = loop.create_future()

        def deliver(value: object) -> None:
            with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, answer, value)

        self._open(request, deliver)
        try:
            send()
            return await answer
        finally:
            self._forget(request)

    def _open(self, request: str, deliver: Callable[[object], None]) -> None:
        with self._lock:
            if self.stopped:
                raise asyncio.CancelledError
            self._questions[request] = deliver

    def _forget(self, request: str) -> None:
        with self._lock:
            self._questions.pop(request, None)


def _settle(answer: "asyncio.Future[object]", value: object) -> None:
    if answer.done():
        return
    if value is _STOPPED:
        answer.cancel()
    else:
        answer.set_result(value)

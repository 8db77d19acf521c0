"""What the run says to the server: numbered, sent at once, kept until it is acknowledged.

Guarantees, for every line:

- Numbers are 1, 2, 3, … in the order in which the lines are sent, whatever thread they come from.
- When `put` returns, the line is in the kernel, unless the socket is full, broken or being
  replaced; then it follows before any later line.
- A line is kept until the server has acknowledged it, and sent again on a new connection if the
  server does not have it.
- What the code had printed before it emitted comes before what it emitted.
- `put` blocks only while more than 16 MiB are kept. It never drops.

Not for signal handlers: `put` takes a lock that the interrupted code may hold.
"""

import asyncio
import enum
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from workflows.runtime.pipe import MAX_LINE_BYTES, numbered

MAX_KEPT_BYTES = 16 << 20
_AT_ONCE = 64  # lines in one system call, far below IOV_MAX
_SEND_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


class State(enum.Enum):
    """Whether lines are taken; where not, the value says why."""

    OPEN = ""
    ENDED = "the run has ended: nothing follows its outcome"
    FORKED = "this process was forked from the run's: only the run's own process may emit"


class Outbox:
    """Lines on their way: unsent, then sent, then acknowledged and gone."""

    def __init__(self, printed: Callable[[], Sequence[bytes]]) -> None:
        """`printed` returns the bodies of the `log` events that are due; called under the lock."""
        self._printed = printed
        self._news = threading.Condition(threading.Lock())  # acknowledged, stopped or ended
        self._unsent: deque[bytes] = deque()
        self._sent: deque[bytes] = deque()
        self._offset = 0  # bytes of the first unsent line that are in the kernel already
        self._size = 0
        self._n = 0
        self._acknowledged = 0
        self._socket: socket.socket | None = None
        self._watch_writable: Callable[[bool], None] = lambda _on: None
        self._stopped = False
        self._state = State.OPEN

    # The workflow's side

    def put(self, body: bytes) -> None:
        """Number a line and send it. Raises ValueError when it is longer than 1 MiB.

        Raises asyncio.CancelledError where it would block after a stop was asked for, RuntimeError
        after the outcome and in a forked process.
        """
        with self._news:
            self._wait_for_room()
            self._append_all(self._printed())
            try:
                self._append(body)
            finally:
                self._send()

    def put_printed(self) -> None:
        """Number and send what was printed, without an event to go with it. Never blocks."""
        with self._news:
            if self._state is State.OPEN:
                self._append_all(self._printed())
                self._send()

    def finish(self, outcome: bytes, last_words: Callable[[], Sequence[bytes]]) -> None:
        """Send the last lines of the run: what it printed, then its outcome. Never blocks.

        Raises ValueError when the outcome is longer than 1 MiB: another one is due then.
        """
        with self._news:
            self._append_all(last_words())
            self._append(outcome)
            self._state = State.ENDED
            self._send()
            self._news.notify_all()

    def wait_until_acknowledged(self) -> None:
        """Block until the server has every line."""
        with self._news:
            self._news.wait_for(lambda: self._acknowledged == self._n)

    @property
    def takes_printed(self) -> bool:
        """There is room for `log` events; after a stop always, lest a print holds the code up."""
        return self._state is State.OPEN and (self._size <= MAX_KEPT_BYTES or self._stopped)

    @property
    def last_number(self) -> int:
        """The last number that was given."""
        return self._n

    # The listener's side

    def connect(self, to: socket.socket, ack: int, watch: Callable[[bool], None]) -> None:
        """Go on over this socket, after line `ack`; `watch(True)` wants `carry` when it drains."""
        with self._news:
            self._sent.extend(self._unsent)
            self._unsent, self._sent = self._sent, deque()
            self._offset = 0
            self._drop(self._unsent, ack)
            self._socket, self._watch_writable = to, watch
            self._send()

    def disconnect(self) -> None:
        """Keep everything from now on."""
        with self._news:
            self._socket = None

    def carry(self) -> None:
        """Send what could not be sent at once."""
        with self._news:
            self._send()

    def acknowledge(self, n: int) -> None:
        """Forget the lines up to `n`."""
        with self._news:
            self._drop(self._sent, n)

    def stop(self) -> None:
        """Wake whoever is blocked in `put`."""
        with self._news:
            self._stopped = True
            self._news.notify_all()

    def disown(self) -> None:
        """In a process forked from the run's: refuse everything. The lock may be held for ever."""
        self._news = threading.Condition(threading.Lock())
        self._state = State.FORKED
        self._socket = None

    @property
    def disowned(self) -> bool:
        """The run's process is another one: this was forked from it."""
        return self._state is State.FORKED

    # Under the lock

    def _wait_for_room(self) -> None:
        while self._state is State.OPEN and self._size > MAX_KEPT_BYTES:
            if self._stopped:
                raise asyncio.CancelledError
            self._news.wait()
        if self._state is not State.OPEN:
            raise RuntimeError(self._state.value)

    def _append_all(self, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            self._append(body)

    def _append(self, body: bytes) -> None:
        line = numbered(self._n + 1, time.time_ns() // 1000, body)
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"{len(line)} bytes as JSON; a line may have {MAX_LINE_BYTES}")
        self._n += 1
        self._size += len(line)
        self._unsent.append(line)

    def _send(self) -> None:
        if self._socket is None:
            return
        while self._unsent:
            try:
                sent = self._send_some(self._socket)
            except BlockingIOError:
                break
            except OSError:
                self._socket = None  # the listener finds the break by itself
                return
            self._advance(sent)
        self._watch_writable(bool(self._unsent))

    def _send_some(self, to: socket.socket) -> int:
        first = self._unsent[0]
        if len(self._unsent) == 1 and not self._offset:  # as good as always
            return to.send(first, _SEND_FLAGS)
        rest = memoryview(first)[self._offset :]
        return to.sendmsg([rest, *islice(self._unsent, 1, _AT_ONCE)], (), _SEND_FLAGS)

    def _advance(self, sent: int) -> None:
        self._offset += sent
        while self._unsent and self._offset >= len(self._unsent[0]):
            self._offset -= len(self._unsent[0])
            self._sent.append(self._unsent.popleft())

    def _drop(self, lines: deque[bytes], n: int) -> None:
        while lines and self._acknowledged < n:
            self._size -= len(lines.popleft())
            self._acknowledged += 1
        self._news.notify_all()

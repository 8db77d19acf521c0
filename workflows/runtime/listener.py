"""The thread that keeps the run's connection to the server.

It hears what the server says, carries what could not be sent at once, and takes what the code
prints; so a workflow whose own threads are all blocked is still heard, and can be told to stop.
"""

import os
import select
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import msgspec

from workflows.runtime.capture import Capture
from workflows.runtime.inbox import Inbox
from workflows.runtime.outbox import Outbox
from workflows.runtime.pipe import Decoder, Word

_MAX_ADDRESS_BYTES = 107
_READ_BYTES = 64 << 10


class Listener(threading.Thread):
    """Connects, says hello, and listens until the process ends."""

    def __init__(
        self,
        address: str,
        hello: Callable[[], bytes],
        inbox: Inbox,
        outbox: Outbox,
        capture: Capture,
    ) -> None:
        super().__init__(name="keepstream-listener", daemon=True)
        self._address = address
        self._hello = hello
        self._inbox = inbox
        self._outbox = outbox
        self._capture = capture
        self._connection: _Connection | None = None

    def run(self) -> None:
        """Keep the connection."""
        try:
            with connect(self._address) as server:
                server.sendall(self._hello())
                self._connection = _Connection(server, self._inbox, self._outbox, self._capture)
                self._connection.listen()
        except (OSError, EOFError):
            pass
        except Exception:  # noqa: BLE001 (a line that cannot be read, or a fault of this thread's)
            traceback.print_exc()  # for the server to find in stderr
        # A run does not outlive its connection. To let it, connect again here instead: the outbox
        # keeps what is not acknowledged, and `hello` tells a server all that it must know.
        self._outbox.disconnect()
        kill_group()

    def let_go(self) -> None:
        """In a process forked from the run's, where this thread is not: hold nothing of the run."""
        self._outbox.disown()
        self._capture.close()
        if self._connection is not None:
            self._connection.close()


class _Connection:
    """One connection: waits for the socket and for both streams of output at once."""

    def __init__(
        self, server: socket.socket, inbox: Inbox, outbox: Outbox, capture: Capture
    ) -> None:
        self._server = server
        self._inbox = inbox
        self._outbox = outbox
        self._words = Decoder()
        self._epoll = select.epoll()
        self._epoll.register(server, select.EPOLLIN)
        self._writable_watched = False
        self._streams = {stream.descriptor: stream for stream in capture.streams}
        self._streams_watched: set[int] = set()

    def listen(self) -> None:
        """Serve until the connection breaks: EOFError, OSError, or what the decoder raises."""
        while True:
            self._watch_streams()
            for descriptor, events in self._epoll.poll():
                if descriptor != self._server.fileno():
                    self._outbox.put_printed()
                    continue
                if events & select.EPOLLOUT:
                    self._outbox.carry()
                if events & ~select.EPOLLOUT:
                    self._hear()

    def close(self) -> None:
        """Close the descriptors."""
        self._epoll.close()
        self._server.close()

    def _hear(self) -> None:
        received = self._server.recv(_READ_BYTES)
        if not received:
            raise EOFError
        for word in self._words.feed(received):
            self._obey(word)

    def _obey(self, word: Word) -> None:
        if word.end:
            self._leave()
        if word.welcome is not msgspec.UNSET:
            self._outbox.connect(self._server, word.welcome.ack, self._watch_writable)
        if word.ack is not msgspec.UNSET:
            self._outbox.acknowledge(word.ack)
        if word.start is not msgspec.UNSET:
            self._inbox.start(word.start)
        if word.input is not msgspec.UNSET:
            self._inbox.answer(word.input.request, word.input.value)
        if word.cancel is not msgspec.UNSET:
            self._inbox.stop()

    def _leave(self) -> None:
        """Go: the run is another process's, or over."""
        if self._inbox.started:
            kill_group()
        os._exit(0)

    def _watch_writable(self, on: bool) -> None:
        """Called under the outbox's lock, from any thread; works while `listen` is waiting."""
        if on != self._writable_watched:
            self._writable_watched = on
            events = select.EPOLLIN | (select.EPOLLOUT if on else 0)
            self._epoll.modify(self._server, events)

    def _watch_streams(self) -> None:
        """Where there is no room, leave what is printed in its pipe, and let the code wait."""
        room = self._outbox.takes_printed
        wanted = {fd for fd, stream in self._streams.items() if room and stream.open}
        for descriptor in self._streams_watched - wanted:
            self._epoll.unregister(descriptor)
        for descriptor in wanted - self._streams_watched:
            self._epoll.register(descriptor, select.EPOLLIN)
        self._streams_watched = wanted


def connect(address: str) -> socket.socket:
    """Connect to a Unix socket, however long its path is."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if len(os.fsencode(address)) <= _MAX_ADDRESS_BYTES:
        server.connect(address)
        return server
    path = Path(address)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        server.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
    return server


def kill_group() -> None:
    """End the run's processes, this one included, at once."""
    os.killpg(0, signal.SIGKILL)

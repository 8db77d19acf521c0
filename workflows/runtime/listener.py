"""The thread that keeps the run's connection to the server, whichever server that is.

It hears what the server says, carries what could not be sent at once, and takes what the code
prints; so a workflow whose own threads are all blocked is still heard, and can be told to stop.

When the connection breaks the workflow goes on. This thread looks for a server at the same address
until one welcomes it; the outbox keeps what is not acknowledged, and a hello tells a server that
has just begun all that it must know. A run that no server wants, or that none comes for in time,
is over: nobody can ever hear of it. It ends itself, with all that it has started.
"""

import os
import socket
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec

from workflows.runtime.attention import Attention
from workflows.runtime.belonging import end_all
from workflows.runtime.capture import Capture
from workflows.runtime.inbox import Inbox
from workflows.runtime.outbox import Outbox
from workflows.runtime.pipe import Decoder, Word

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5

_MAX_ADDRESS_BYTES = 107
_READ_BYTES = 64 << 10


class Listener(threading.Thread):
    """Connects, says hello, and listens until the process ends; `patience` is in seconds."""

    def __init__(
        self,
        address: str,
        hello: Callable[[], bytes],
        inbox: Inbox,
        outbox: Outbox,
        capture: Capture,
        *,
        patience: float,
    ) -> None:
        super().__init__(name="keepstream-listener", daemon=True)
        self._address = address
        self._patience = patience
        self._hello = hello
        self._inbox = inbox
        self._outbox = outbox
        self._attention = Attention(outbox, capture)
        self._random = Random()  # noqa: S311 (not the workflow's, which it may have seeded)
        self._pause = FIRST_PAUSE
        self._welcomed = False
        self._server_seen = time.monotonic()

    def run(self) -> None:
        """Keep a connection."""
        while True:
            try:
                self._visit()
            except (OSError, EOFError):
                pass
            except Exception:  # noqa: BLE001 (a line that cannot be read, or a fault of ours)
                traceback.print_exc()  # for the run's readers, and for the server in stderr
            if self._welcomed:
                self._welcomed = False
                self._pause = FIRST_PAUSE
                self._server_seen = time.monotonic()
            elif time.monotonic() - self._server_seen > self._patience:
                kill_group()
            # Many runs look for the same server: not all at the same moment.
            self._attention.pause(self._pause * self._random.uniform(0.5, 1))
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _visit(self) -> None:
        """One connection, from the hello to its break: EOFError, OSError, or what is misread."""
        with connect(self._address) as server:
            server.sendall(self._hello())
            words = Decoder()
            try:
                self._attention.listen(server, lambda: self._hear(server, words))
            finally:
                self._outbox.disconnect()

    def let_go(self) -> None:
        """In a process forked from the run's, where this thread is not: hold nothing of the run."""
        self._outbox.disown()
        self._attention.let_go()

    def _hear(self, server: socket.socket, words: Decoder) -> None:
        received = server.recv(_READ_BYTES)
        if not received:
            raise EOFError
        for word in words.feed(received):
            self._obey(server, word)

    def _obey(self, server: socket.socket, word: Word) -> None:
        if word.end:
            self._leave()
        if word.welcome is not msgspec.UNSET:
            self._welcomed = True
            self._outbox.connect(server, word.welcome.ack, self._attention.watch_writable)
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


def connect(address: str) -> socket.socket:
    """Connect to a Unix socket, however long its path is; never waits for the other side."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.setblocking(False)  # a server that is stopped has a full queue before it
        _connect(server, address)
        server.setblocking(True)
    except BaseException:
        server.close()
        raise
    return server


def _connect(server: socket.socket, address: str) -> None:
    if len(os.fsencode(address)) <= _MAX_ADDRESS_BYTES:
        server.connect(address)
        return
    path = Path(address)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        server.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def kill_group() -> None:
    """End the run's processes, this one included, at once."""
    end_all()

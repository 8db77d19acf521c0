"""Thousands of WebSocket readers in one process: raw sockets and one epoll.

Frames are not parsed one by one: that would make this client the limit. Bytes are counted, and
where latency is measured, the time that each event carries is picked out of the bytes.
"""

import base64
import os
import re
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

CHUNK = 1 << 18
MARK = b'{"offset":'
STAMP = re.compile(rb'"at":(\d+)')


def upgrade(address: tuple[str, int], path: str) -> tuple[socket.socket, bytes]:
    """Open a WebSocket; the socket, and what came behind the handshake."""
    connection = socket.create_connection(address)
    key = base64.b64encode(os.urandom(16)).decode()
    host = f"{address[0]}:{address[1]}"
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(4096)
    head, _, rest = received.partition(b"\r\n\r\n")
    if b" 101 " not in head:
        raise ConnectionError(head.decode())
    return connection, rest


class Readers:
    """Open readers; ``received`` counts their bytes after the handshake."""

    def __init__(self) -> None:
        self.received = 0
        self.latencies: list[int] = []  # ns
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._buffer = bytearray(CHUNK)
        self._partial: dict[int, bytes] = {}

    def add(self, connection: socket.socket) -> None:
        """Read from ``connection`` too."""
        connection.setblocking(False)
        self._sockets[connection.fileno()] = connection
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def pump(self, timeout: float) -> int:
        """Take what has come; how many bytes."""
        taken, view = 0, memoryview(self._buffer)
        for fd, _ in self._epoll.poll(timeout, 1024):
            size = self._sockets[fd].recv_into(self._buffer)
            if not size:
                raise ConnectionError("the server closed a reader's connection")
            taken += size
        self.received += taken
        view.release()
        return taken

    def pump_timed(self, timeout: float) -> int:
        """Take what has come, and note how old each event is; how many events."""
        events = 0
        for fd, _ in self._epoll.poll(timeout, 1024):
            data = self._sockets[fd].recv(CHUNK)
            if not data:
                raise ConnectionError("the server closed a reader's connection")
            now = time.monotonic_ns()
            data = self._partial.pop(fd, b"") + data
            end = 0
            for match in STAMP.finditer(data):
                # A number at the very end may go on in the next chunk.
                if match.end() == len(data):
                    break
                self.latencies.append(now - int(match[1]))
                events += 1
                end = match.end()
            self._partial[fd] = data[max(end, len(data) - 64) :]
        return events

    def pump_counted(self, timeout: float) -> int:
        """Take what has come; how many events."""
        events = 0
        for fd, _ in self._epoll.poll(timeout, 1024):
            data = self._sockets[fd].recv(CHUNK)
            if not data:
                raise ConnectionError("the server closed a reader's connection")
            # The tail may hold the beginning of a mark that the next chunk completes.
            joined = self._partial.get(fd, b"") + data
            events += joined.count(MARK)
            self._partial[fd] = joined[-(len(MARK) - 1) :]
        return events

    def until(self, received: int, limit: float = 120.0) -> None:
        """Take what comes until so many bytes were; raises TimeoutError."""
        deadline = time.monotonic() + limit
        while self.received < received:
            # Never asleep: to wake an idle core of a virtual machine costs the sender more than the
            # ``send`` itself, and it would be the reader's pace that is measured.
            self.pump(0)
            if time.monotonic() > deadline:
                raise TimeoutError("the server did not deliver")

    def settle(self) -> None:
        """Take what comes until nothing comes any more."""
        while self.pump(0.3):
            pass


@contextmanager
def readers(address: tuple[str, int], paths: list[str]) -> Iterator[Readers]:
    """One reader for each path, past its ``ready`` and what the session had."""
    with ExitStack() as stack:
        opened = Readers()
        for path in paths:
            connection, _ = upgrade(address, path)
            opened.add(stack.enter_context(connection))
        opened.settle()
        opened.received = 0
        yield opened

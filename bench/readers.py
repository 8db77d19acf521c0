"""Thousands of readers in one process: raw sockets and one epoll.

What is received is not parsed: that would make this client the limit. Marks are counted, one for
each event, and where latency is measured the time that each event carries is picked out of the
bytes.
"""

import base64
import os
import re
import select
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from bench.events import MARK

CHUNK = 1 << 18
STAMP = re.compile(rb"\|(\d+) ")
ENDS = b"\r\n\r\n"
Address = tuple[str, int]


def connected(address: Address) -> socket.socket:
    """A connection that sends what it is given at once."""
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def upgrade(address: Address, path: str) -> socket.socket:
    """Open a WebSocket."""
    connection = connected(address)
    connection.sendall(upgrade_request(address, path))
    answered(connection, b" 101 ")
    return connection


def upgrade_request(address: Address, path: str) -> bytes:
    """What asks for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def subscribe(address: Address, path: str) -> socket.socket:
    """Open an event stream."""
    connection = connected(address)
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n"
        "Accept: text/event-stream\r\n\r\n".encode()
    )
    answered(connection, b" 200 ")
    return connection


def answered(connection: socket.socket, status: bytes) -> None:
    """Take the head of an answer with this status, and nothing of what is behind it."""
    head = b""
    while ENDS not in head:
        before, head = head, connection.recv(CHUNK, socket.MSG_PEEK)
        if head == before:  # nothing, or not yet more
            if not head:
                break
            time.sleep(0.001)
    if status not in head.partition(b"\r\n")[0]:
        raise ConnectionError(f"the server answered {head[:200]!r}")
    connection.recv(head.index(ENDS) + len(ENDS))


class Scan:
    """Finds the times of events in a stream, however it is cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[int]:
        """The times that ``data`` completes."""
        data = self._rest + data
        found = [int(each) for each in STAMP.findall(data)]
        last = data.rfind(MARK)
        # A time at the very end may go on in the next chunk.
        whole = last < 0 or STAMP.match(data, last) is not None
        self._rest = b"" if whole else data[last:]
        return found


class Readers:
    """Open readers; ``events`` counts what they have had."""

    def __init__(self) -> None:
        self.events = 0
        self.latencies: list[int] = []  # ns
        self.heard: set[int] = set()  # the descriptors of those that had an event to be timed
        self.ended = 0
        self.waited = 0.0  # seconds of looking in vain: a client that spins is not busy
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._scans: dict[int, Scan] = {}
        self._buffer = bytearray(CHUNK)

    def add(self, connection: socket.socket) -> None:
        """Read from ``connection`` too."""
        connection.setblocking(False)
        self._sockets[connection.fileno()] = connection
        self._scans[connection.fileno()] = Scan()
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def count(self, timeout: float = 0.0, sockets: int = 1024) -> int:
        """Take what has come, from so many sockets at most; how many events."""
        events, buffer = 0, self._buffer
        for fd, _ in self._epoll.poll(timeout, sockets):
            size = self._sockets[fd].recv_into(buffer)
            if size:
                events += buffer.count(MARK, 0, size)
            else:
                self._end(fd)
        self.events += events
        return events

    def time(self, timeout: float = 0.0) -> int:
        """Take what has come, and note how old each event is; how many events."""
        before = len(self.latencies)
        for fd, _ in self._epoll.poll(timeout, 1024):
            data = self._sockets[fd].recv(CHUNK)
            if not data:
                self._end(fd)
            now = time.monotonic_ns()
            if stamps := self._scans[fd].feed(data):
                self.latencies += [now - stamp for stamp in stamps]
                self.heard.add(fd)
        events = len(self.latencies) - before
        self.events += events
        return events

    def _end(self, fd: int) -> None:
        self._epoll.unregister(fd)
        self.ended += 1

    def until(self, events: int, limit: float = 120.0) -> None:
        """Take what comes until so many events were; raises TimeoutError."""
        now = time.monotonic()
        deadline = now + limit
        while self.events < events:
            # Never asleep: to wake an idle core of a virtual machine costs the sender more than the
            # ``send`` itself, and it would be the reader's pace that is measured.
            taken = self.count()
            before, now = now, time.monotonic()
            if not taken:
                self.waited += now - before
                if now > deadline:
                    raise TimeoutError(f"{self.events:,} of {events:,} events after {limit:.0f} s")

    def settle(self, quiet: float = 0.3) -> None:
        """Take what comes until nothing has come for a while."""
        last = time.monotonic()
        while time.monotonic() - last < quiet:
            if self.count(quiet):
                last = time.monotonic()
        self.events = 0


@contextmanager
def readers(connections: Iterable[socket.socket], *, settled: bool = True) -> Iterator[Readers]:
    """Read from all of them, past what there was if that comes to an end."""
    with ExitStack() as stack:
        opened = Readers()
        for connection in connections:
            opened.add(stack.enter_context(connection))
        if settled:
            opened.settle()
        yield opened

"""The socket's side of a child: the listener, and one connection from its hello to its end.

Up to the hello, and for all that is written, a connection is asyncio's. What comes after the hello
is read from a descriptor of our own, through the :class:`~server.runs.inlet.Inlet`. It outlives the
transport, which a write to a process that has just died closes, and with it what that process wrote
before.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import structlog

from server.errors import ProtocolError
from server.runs.inlet import PIECE_BYTES, Inlet
from server.runs.lines import LINE_LIMIT
from server.runs.pipe import END, VERSION, Hello, read_hello

HELLO_SECONDS = 10.0
PATH_LIMIT = 107  # bytes in sun_path, see unix(7)
BACKLOG = 1024  # children that start at once all knock at once
DRAIN_LIMIT = 8 << 20  # bytes; far more than a socket's buffer holds
#: Where every read goes first: a buffer that is made for each and shrunk to what came leaves the
#: heap in pieces.
INTO = bytearray(PIECE_BYTES)
VIEW = memoryview(INTO)

log = structlog.get_logger()


class Receiver(Protocol):
    """Who a connection belongs to once its hello was believed."""

    def received(self, data: bytes) -> None:
        """Take what was read."""

    def hung_up(self) -> None:
        """The stream is closed; what is left in it can still be drained."""


class _Nobody:
    """Who a stream belongs to that was dropped."""

    def received(self, data: bytes) -> None:
        """Drop it."""

    def hung_up(self) -> None:
        """Expected."""


class Connection(asyncio.Protocol):
    """One stream from something that says that it is a child."""

    def __init__(self, knock: "Callable[[Connection, Hello], None]", inlet: Inlet) -> None:
        self.peer = 0  # its pid, on the kernel's word
        self._knock = knock
        self._inlet = inlet
        self._receiver: Receiver | None = None
        self._unread = b""
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        self._reading = False
        self._slowed = False  # it has been paused: it says more than could be taken
        self._ended = False  # its receiver was told
        self._patience: asyncio.TimerHandle | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who it is; nobody has believed it anything yet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.peer = _peer(transport.get_extra_info("socket"))
        self._patience = asyncio.get_running_loop().call_later(HELLO_SECONDS, self.drop)

    def data_received(self, data: bytes) -> None:
        """Look for the hello in it."""
        self._unread += data
        if self._patience is not None:
            self._find_hello()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Nothing can be written any more; what there is to be read has an end of its own."""
        self._hold()
        self._transport = None
        if self._socket is None:
            self._over()

    def _find_hello(self) -> None:
        line, end, rest = self._unread.partition(b"\n")
        if not end and len(line) <= LINE_LIMIT:
            return
        self._hold()
        assert self._transport is not None
        self._transport.pause_reading()  # from now on it is read through the inlet, if at all
        try:
            hello = read_hello(line)
        except ProtocolError as error:
            log.warning("Refused a connection to the run socket", pid=self.peer, why=error.message)
            self.refuse()
            return
        self._unread = rest
        if hello.pipe == VERSION:
            self._knock(self, hello)
        else:
            self.refuse()

    def _hold(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    # What the inlet calls.

    def read(self, most: int) -> int:
        """Read once, so many bytes at most; there are some, or an end."""
        assert self._socket is not None and self._receiver is not None
        try:
            size = self._socket.recv_into(INTO, most)
        except BlockingIOError:
            return 0
        except OSError:  # a reset: the other side is gone, and all that it wrote was read
            size = 0
        if size:
            self._receiver.received(bytes(VIEW[:size]))
        else:
            self._over()
        return size

    def _over(self) -> None:
        self.pause()
        if self._transport is not None:
            self._transport.close()
        if not self._ended and self._receiver is not None:
            self._ended = True
            self._receiver.hung_up()

    # What its run calls.

    def attach(self, receiver: Receiver) -> None:
        """Deliver to ``receiver`` from now on, what came after the hello first."""
        self._receiver = receiver
        if self._transport is not None:
            self._socket = self._transport.get_extra_info("socket").dup()
        unread, self._unread = self._unread, b""
        if unread:
            receiver.received(unread)
        self.resume()

    def drop(self) -> None:
        """Close it without a word: read nothing more, and tell nobody of its end."""
        self._receiver = _Nobody()
        self.close()

    def refuse(self) -> None:
        """Tell it that this run is not its own, and close."""
        self.write(END)
        self.close()

    def write(self, line: bytes) -> None:
        """Send, if there is still somebody to send to."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(line)

    def pause(self) -> None:
        """Leave what comes to the kernel, and so to the child's patience."""
        if self._reading and self._socket is not None:
            self._reading = False
            self._slowed = True
            self._inlet.leave(self._socket.fileno())

    def resume(self) -> None:
        """Read on."""
        if not self._reading and not self._ended and self._socket is not None:
            self._reading = True
            self._inlet.watch(self._socket.fileno(), self.read, bulky=self._slowed)

    def drain(self) -> bytes:
        """All that a dead child has left in the stream; never waits."""
        found = bytearray()
        with contextlib.suppress(OSError):  # nothing more, or a reset after the last byte
            while self._socket is not None and len(found) < DRAIN_LIMIT:
                piece = self._socket.recv(1 << 18)
                if not piece:
                    break
                found += piece
        return bytes(found)

    def close(self) -> None:
        """Close it, after what was written."""
        self._hold()
        if self._transport is not None:
            self._transport.close()
        self.pause()
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _peer(sock: socket.socket) -> int:
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, _uid, _gid = struct.unpack("3i", credentials)
    return int(pid)


@contextlib.asynccontextmanager
async def listen(
    path: Path, knock: Callable[[Connection, Hello], None], inlet: Inlet
) -> AsyncIterator[asyncio.AbstractServer]:
    """Accept connections at ``path``, whose directory must be ours alone."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind(sock, path)
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(
            lambda: Connection(knock, inlet), sock=sock, backlog=BACKLOG
        )
    except BaseException:
        sock.close()
        raise
    try:
        yield server
    finally:
        server.close()
        _unlink(path)


def _bind(sock: socket.socket, path: Path) -> None:
    sock.setblocking(False)
    _unlink(path)  # a dead server's: whoever calls holds the lock
    if len(os.fsencode(path)) <= PATH_LIMIT:
        sock.bind(str(path))
    else:
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            sock.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.close(directory)
    path.chmod(0o600)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)

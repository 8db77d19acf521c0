"""A subscriber's socket, as a subscription may use it.

Frames are written to the transport itself, whole ones only: they keep their order with what aiohttp
writes there (pongs, the close frame), and one set of bytes serves every reader. aiohttp's own
writer encodes for each reader anew.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from server.sessions.sink import ALONE, Encoding

#: What the kernel may hold for a reader in flight and unsent; it would take 4 MB by itself.
SEND_BUFFER = 64 * 1024
#: What it may hold unsent: all that a reader whose window is closed costs there.
UNSENT = 16 * 1024
#: What asyncio may hold: above HIGH nothing more is handed over, below LOW it goes on.
HIGH, LOW = 16 * 1024, 4 * 1024
TCP_INFO_BYTES = 256


class Writer(Protocol):
    """What knows when the transport has room; aiohttp's stream writers do."""

    async def drain(self) -> None:
        """Wait until there is room; raises ConnectionError when the connection is gone."""


class SocketSink:
    """The :class:`~server.sessions.sink.Sink` of one connection."""

    __slots__ = (
        "_socket",
        "_transport",
        "_writer",
        "backlog",
        "encoding",
        "owed",
        "send",
        "transport",
    )

    shared = False

    def __init__(
        self,
        transport: str,
        encoding: Encoding,
        connection: asyncio.Transport | None,
        writer: Writer,
    ):
        if connection is None:
            raise ConnectionResetError("the reader left before it was served")
        self.transport = transport
        self.encoding = encoding
        self._transport = connection
        self._writer = writer
        self._transport.set_write_buffer_limits(high=HIGH, low=LOW)
        self.backlog: Callable[[], int] = self._transport.get_write_buffer_size
        self.owed: object = _owed(self._transport)
        self.send: Callable[[bytes], int] = _send(self._transport)
        self._socket = _tcp_socket(self._transport)
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)

    def write(self, data: bytes) -> None:
        """Hand ``data`` over; does nothing on a connection that is gone."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until there is room; raises ConnectionError when the connection is gone."""
        if self._transport.is_closing():
            raise ConnectionResetError("the reader is gone")
        await self._writer.drain()

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Its subscription has the socket to itself."""
        return ALONE

    def abort(self) -> None:
        """End the connection without another word."""
        self._transport.abort()

    def tcp_info(self) -> bytes:
        """The kernel's ``struct tcp_info``, or nothing on a socket that has none."""
        if self._socket is None or self._socket.fileno() < 0:
            return b""
        return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)


def _send(transport: asyncio.Transport) -> Callable[[bytes], int]:
    """What gives bytes to the kernel at once.

    The transport's own socket: closed with it, so it is never another's. It keeps that to itself,
    since who sends while it has a backlog breaks the order; :class:`SocketSink` is asked not to.
    """
    found = getattr(transport.get_extra_info("socket"), "_sock", None)
    if isinstance(found, socket.socket) and transport.get_extra_info("sslcontext") is None:
        return found.send

    def send(data: bytes) -> int:
        transport.write(data)
        return len(data)

    return send


def _owed(transport: asyncio.Transport) -> object:
    """What is true while the transport has a backlog.

    Its own buffer, the same object for as long as it lives: to call for its size takes a tenth as
    long as to send does, and more where that is a list of pieces (from Python 3.12 on).
    """
    found = getattr(transport, "_buffer", None)
    return found if isinstance(found, bytearray | deque) else _Owed(transport)


class _Owed:
    """The same for a transport that keeps its buffer in another way."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._size = transport.get_write_buffer_size

    def __bool__(self) -> bool:
        return self._size() > 0


def _tcp_socket(transport: asyncio.Transport) -> socket.socket | None:
    found = transport.get_extra_info("socket")
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    return found  # type: ignore[no-any-return]  # asyncio's TransportSocket has the same methods

"""The rules of a connection's way to its socket: :mod:`server.web.sink`."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from server.sessions.sink import Sink
from server.web.frames import WebSocketEncoding
from server.web.sink import SocketSink

Data = bytes | bytearray | memoryview
PIECE = b"x" * (64 << 10)


class Drained(asyncio.Protocol):
    """What a transport reports to, and a sink waits for."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.room.set()

    def pause_writing(self) -> None:
        """There is a backlog."""
        self.room.clear()

    def resume_writing(self) -> None:
        """There is little."""
        self.room.set()

    async def drain(self) -> None:
        """Wait until there is room."""
        await self.room.wait()


class Wrapped(asyncio.Transport):
    """A transport that keeps what it owes in a place of its own, as those of other loops do."""

    def __init__(self, within: asyncio.Transport) -> None:
        super().__init__()
        self._within = within

    def write(self, data: Data) -> None:
        """Hand it on."""
        self._within.write(data)

    def get_write_buffer_size(self) -> int:
        """Say how much waits."""
        return self._within.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Hand them on."""
        self._within.set_write_buffer_limits(high, low)

    def is_closing(self) -> bool:
        """Say whether it goes."""
        return self._within.is_closing()


@pytest.fixture
async def ends() -> AsyncIterator[tuple[asyncio.Transport, Drained, socket.socket]]:
    """A transport with its protocol, and the socket at the other end."""
    near, far = socket.socketpair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with far:
        transport, protocol = await asyncio.get_running_loop().create_connection(Drained, sock=near)
        yield transport, protocol, far
        transport.abort()
        await asyncio.sleep(0)


def opened(transport: asyncio.Transport, protocol: Drained) -> Sink:
    """The sink of that connection."""
    return SocketSink("ws", WebSocketEncoding(), transport, protocol)


async def taken(far: socket.socket, size: int) -> bytes:
    """Read so much, with turns of the loop in between: the transport sends in them."""
    far.setblocking(False)
    data = b""
    while len(data) < size:
        data += await asyncio.get_running_loop().sock_recv(far, 1 << 20)
    return data


@pytest.mark.parametrize("wrapped", [False, True])
async def test_what_is_owed_is_seen_until_it_was_taken(
    ends: tuple[asyncio.Transport, Drained, socket.socket], *, wrapped: bool
) -> None:
    """``owed`` is true exactly while there is a backlog, whoever wrote it, and again after that."""
    transport, protocol, far = ends
    sink = opened(Wrapped(transport) if wrapped else transport, protocol)
    owed = sink.owed  # looked up once, as those do who write to many
    for _ in range(3):
        assert not owed
        transport.write(PIECE)  # what aiohttp writes: a pong
        assert owed
        assert sink.backlog()
        sink.write(b"behind it")
        assert await taken(far, len(PIECE) + 9) == PIECE + b"behind it"
        await sink.drain()
        while sink.backlog():
            await asyncio.sleep(0)
        assert not owed


async def test_what_is_sent_is_what_the_kernel_takes(
    ends: tuple[asyncio.Transport, Drained, socket.socket],
) -> None:
    """``send`` says how much was taken; the rest, written behind it, arrives behind it."""
    transport, protocol, far = ends
    sink = opened(transport, protocol)
    size = sink.send(PIECE)
    assert 0 < size < len(PIECE)
    assert not sink.owed, "it is the caller's to write"
    sink.write(PIECE[size:])
    assert await taken(far, len(PIECE)) == PIECE

"""What holds for every connection, whatever it is for."""

import asyncio
import socket
from asyncio.trsock import TransportSocket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from server.settings import Settings
from server.web import listening
from tests.system.patience import PATIENCE

SIZE = 8 << 20  # more than the kernel takes
#: Seconds that a peer has to take some of them, in place of 90.
LIMIT = 3.0


Answered = asyncio.Queue[TransportSocket]


@pytest.fixture
def answered() -> Answered:
    """The server's side of each connection that was answered."""
    return asyncio.Queue()


@pytest.fixture
async def address(
    monkeypatch: pytest.MonkeyPatch, answered: Answered
) -> AsyncIterator[tuple[str, int]]:
    """Where `SIZE` bytes are answered."""
    monkeypatch.setattr(listening, "UNTAKEN_SECONDS", LIMIT)

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        answered.put_nowait(request.transport.get_extra_info("socket"))
        return web.Response(body=bytes(SIZE))

    app = web.Application()
    app.router.add_get("/", answer)
    async with listening.listening(app, Settings(port=0, heartbeat_seconds=0.01)) as server:
        yield server.sockets[0].getsockname()


@pytest.fixture
async def peer(address: tuple[str, int]) -> AsyncIterator[socket.socket]:
    """A client with little room, that has asked and read nothing."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, address)
        await loop.sock_sendall(
            client, b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
        )
        yield client


async def test_what_nobody_takes_is_not_owed_for_ever(
    answered: Answered, peer: socket.socket
) -> None:
    """An answer that is not read costs its connection; its peer may ask again."""
    async with asyncio.timeout(PATIENCE):
        owes = await answered.get()
        while owes.fileno() >= 0:
            await asyncio.sleep(0.01)
    with pytest.raises(ConnectionResetError):
        while await asyncio.get_running_loop().sock_recv(peer, 1 << 16):
            pass


async def test_who_reads_slowly_gets_everything(peer: socket.socket) -> None:
    """However long all of it takes, as long as some of it is taken in time."""
    loop, count = asyncio.get_running_loop(), 0
    began = loop.time()
    while piece := await loop.sock_recv(peer, 1 << 16):
        count += len(piece)
        await asyncio.sleep(min(2 * LIMIT * len(piece) / SIZE, LIMIT / 10))
    assert loop.time() - began > 2 * LIMIT
    assert count > SIZE

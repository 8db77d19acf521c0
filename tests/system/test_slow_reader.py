"""A reader slows nobody: what it doesn't read stays in the log, not in memory."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator, Sequence

import pytest

from chaos.proc import resident
from tests.system.api import Api, fresh
from tests.system.processes import StartServer
from tests.system.readers import Reader, digest, follow
from tests.system.transports import event_stream, websocket

SLOW = 20
EVENTS, SIZE = 20_000, 1_000
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def attach(peer: socket.socket, host: str, sessions: Sequence[str], transport: str) -> None:
    """Ask for sessions (one of them, but for `many`) over a socket, and read no event."""
    upgrade = "" if transport == "sse" else UPGRADE
    path = "/api/ws" if transport == "many" else f"/api/sessions/{sessions[0]}/{transport}"
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n".encode())
    if transport == "many":
        while b"\r\n\r\n" not in peer.recv(1 << 16):  # it is upgraded
            pass
        for session in sessions:
            said = {"type": "subscribe", "id": 1, "session": session}
            peer.sendall(client_frame(json.dumps(said).encode()))


def client_frame(payload: bytes) -> bytes:
    """Return a short text frame of a client; its mask changes nothing."""
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


@contextlib.contextmanager
def deaf(port: int, sessions: Sequence[str], transport: str) -> Iterator[socket.socket]:
    """Attach with a small receive buffer, and read nothing."""
    with socket.socket() as attached:
        attached.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        attached.connect(("127.0.0.1", port))
        attach(attached, "127.0.0.1", sessions, transport)
        yield attached


@pytest.mark.parametrize("transport", ["ws", "sse", "many"])
async def test_readers_that_never_read(start_server: StartServer, transport: str) -> None:
    """Readers that never read cost no memory that grows, and the others nothing at all."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        await api.start(fresh(), "chatty", n=2000, size=SIZE)
        with contextlib.ExitStack() as stack:
            for _ in range(SLOW):
                stack.enter_context(deaf(server.port, [session], transport))
            while (await api.call("GET", f"/api/sessions/{session}")).status != 200 or (
                await api.session(session)
            )["subscribers"] < SLOW:
                await asyncio.sleep(0.01)
            before = resident(server.pid)
            readers = [Reader(session), Reader(session)]
            following = [
                asyncio.create_task(follow(reader, api.http, api.url, each))
                for reader, each in zip(readers, (websocket, event_stream), strict=True)
            ]
            await api.start(session, "chatty", n=EVENTS, size=SIZE)
            await asyncio.gather(*following)
            grown = resident(server.pid) - before
        assert {reader.digest for reader in readers} == {digest(await api.history(session))}
        assert readers[0].offset == EVENTS + 2
        # Kept in memory, what they have not read would be 20 MB for each of them.
        assert grown < SLOW * EVENTS * SIZE / 4, f"{grown / 1e6:.0f} MB more"


async def test_slow_reader_reads_on(start_server: StartServer) -> None:
    """A reader that wakes up after everybody else has ended gets every event."""
    server = start_server()
    session = fresh()
    async with Api(server.url) as api:
        with deaf(server.port, [session], "sse") as attached:
            await api.start(session, "chatty", n=5_000, size=SIZE)
            await api.ended(session)
            attached.setblocking(False)
            loop = asyncio.get_running_loop()
            got = b""
            while b"event: bye\n" not in got[-2000:]:
                piece = await asyncio.wait_for(loop.sock_recv(attached, 1 << 20), 30)
                assert piece, "the server ended the stream"
                got += piece
        assert got.count(b'\ndata: {"offset":') == 5_002

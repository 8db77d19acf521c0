"""A peer behind a link that went down is found and let go of; one that only does not read stays.

On a real link: over loopback the kernel answers for everybody, and no cable can be pulled.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from chaos import namespace
from chaos.namespace import Namespace
from tests.system.api import Api, fresh
from tests.system.patience import eventually, until
from tests.system.processes import Server, StartServer, descriptors, forked
from tests.system.test_slow_reader import attach as ask

pytestmark = pytest.mark.skipif(bool(namespace.lacking()), reason=namespace.lacking())

HEARTBEAT = 2.0
KINDS = ("ws", "sse", "many")
FOUND = 3 * HEARTBEAT
FULL = 2_000  # events of a kilobyte: more than fits between a server and who does not read


@pytest.fixture
def far() -> Iterator[Namespace]:
    """Move to a machine of our own; yield another one, behind a link."""
    with Namespace() as inside:
        yield inside


@pytest.fixture
def everywhere(start_server: StartServer, far: Namespace) -> Server:
    """Return a server that listens on the link too."""
    return start_server(HOST="0.0.0.0", ALLOW_ANONYMOUS=1, HEARTBEAT_SECONDS=HEARTBEAT)


@pytest.fixture
def attach(everywhere: Server, far: Namespace) -> Iterator[Callable[[str, str], socket.socket]]:
    """Yield what attaches a socket on the far side, which reads nothing by itself."""
    attached: list[socket.socket] = []

    def attach(session: str, transport: str) -> socket.socket:
        peer = far.socket()
        attached.append(peer)
        peer.settimeout(10)
        peer.connect((far.near, everywhere.port))
        ask(peer, far.near, [session], transport)
        return peer

    yield attach
    for peer in attached:
        peer.close()


async def subscribers(api: Api, session: str, count: int) -> None:
    """Wait until the server knows of so many subscribers."""

    async def there() -> bool:
        return bool((await api.session(session))["subscribers"] == count)

    await eventually(there, f"{count} subscribers")


async def test_link_down(
    everywhere: Server, far: Namespace, attach: Callable[[str, str], socket.socket]
) -> None:
    """Dead peers are found within three heartbeats, whatever is sent, and their sockets closed."""
    busy, quiet = fresh(), fresh()
    async with Api(f"http://127.0.0.1:{everywhere.port}") as api:
        await api.call("POST", "/api/sessions", {"id": quiet})
        run = await api.start(busy, "count", n=100_000, delay=0.1)
        await api.reached(busy, "tick")
        until(lambda: forked(everywhere.pid) == 2, "the run's process, and the next one's")
        before = descriptors(everywhere.pid)
        peers = [attach(session, each) for session in (busy, quiet) for each in KINDS]
        for session in (busy, quiet):
            await subscribers(api, session, len(KINDS))
        for peer in peers:
            peer.recv(1 << 16)
        far.down()
        began = time.monotonic()
        for session in (busy, quiet):
            await subscribers(api, session, 0)
        took = time.monotonic() - began
        assert took < FOUND, f"found after {took:.1f} s"
        until(lambda: len(descriptors(everywhere.pid)) <= len(before), "the closed sockets")
        await api.call("POST", f"/api/runs/{run['id']}/cancel")


async def test_readers_that_do_not_read(
    everywhere: Server, attach: Callable[[str, str], socket.socket]
) -> None:
    """Peers that live and do not read are kept for far longer, and then get every event."""
    session = fresh()
    async with Api(f"http://127.0.0.1:{everywhere.port}") as api:
        await api.start(session, "chatty", n=FULL, size=1000)
        await api.ended(session)
        peers = [attach(session, each) for each in KINDS]
        await subscribers(api, session, len(peers))
        await asyncio.sleep(4 * HEARTBEAT)  # that nothing happens can't be waited for
        assert (await api.session(session))["subscribers"] == len(peers)
        for peer in peers:
            got = b""
            while b'"type":"bye"' not in got[-500:]:
                piece = peer.recv(1 << 20)
                assert piece, "the server ended the stream"
                got += piece
            assert got.count(b'{"offset":') == FULL + 2

"""Behind a real nginx: its own defaults, WebSockets, buffering, and two minutes of silence."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.system.api import Api, fresh
from tests.system.frames import Refused
from tests.system.gate import Gate
from tests.system.nginx import LOCATIONS, NGINX, nginx
from tests.system.processes import Server, StartServer
from tests.system.readers import Reader, follow, listen
from tests.system.transports import Transport, event_stream, long_poll, websocket

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

SILENCE = 120.0
WAYS: list[tuple[str, Transport]] = [
    *((name, event_stream) for name in LOCATIONS),
    *((name, long_poll) for name in LOCATIONS),
    ("upgrade", websocket),
]


@pytest.fixture
def ways(server: Server, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield the urls of the shared server through nginx."""
    with nginx(tmp_path / "nginx", server.port) as urls:
        yield urls


@pytest.mark.parametrize(("way", "transport"), WAYS)
async def test_events_come_as_they_happen(
    api: Api, gate: Gate, ways: dict[str, str], way: str, transport: Transport
) -> None:
    """Nothing holds an event back until the next one, the buffer's end, or the stream's."""
    reader = Reader(fresh())
    await api.start(reader.session, "gated", gate=gate.path)
    following = asyncio.create_task(follow(reader, api.http, ways[way], transport))
    async with asyncio.timeout(30):
        for i in range(1, 4):
            gate.let(1)
            while reader.offset < i + 1:
                await asyncio.sleep(0.005)
    gate.close()
    await following
    assert reader.events == await api.history(reader.session)
    assert (reader.cuts, reader.bye) == (0, "closed")


@pytest.mark.parametrize("way", ["defaults", "buffering", "no_upgrade"])
async def test_upgrade_that_gets_lost(api: Api, ways: dict[str, str], way: str) -> None:
    """Where a proxy lets no upgrade through, a WebSocket is refused at once, and SSE works."""
    reader = Reader(fresh())
    await api.start(reader.session, "count", n=5)
    async with asyncio.timeout(30):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await listen(reader, api.http, ways[way], websocket)
    assert refused.value.status in range(400, 500)
    await follow(reader, api.http, ways[way], event_stream)
    assert reader.offset == 7


async def test_end_of_a_stream_is_seen(api: Api, ways: dict[str, str]) -> None:
    """204 reaches an event source through nginx, so that it stops."""
    reader = Reader(fresh())
    await api.start(reader.session, "silent")
    await follow(reader, api.http, ways["defaults"], event_stream)
    for way in LOCATIONS:
        with pytest.raises(Refused, match="204"):
            await listen(reader, api.http, ways[way], event_stream)


@pytest.mark.slow(120)
async def test_two_minutes_of_silence(
    start_server: StartServer, tmp_path: Path, gate: Gate
) -> None:
    """With the default heartbeat every way outlives two minutes between two events."""
    server = start_server()
    with nginx(tmp_path / "nginx", server.port) as urls:
        async with Api(server.url) as api:
            session = fresh()
            await api.start(session, "gated", gate=gate.path)
            readers = [Reader(session) for _ in WAYS]
            following = [
                asyncio.create_task(follow(reader, api.http, urls[way], transport))
                for reader, (way, transport) in zip(readers, WAYS, strict=True)
            ]
            gate.let(1)
            while any(reader.offset < 2 for reader in readers):
                await asyncio.sleep(0.01)
            await asyncio.sleep(SILENCE)
            gate.let(1)
            async with asyncio.timeout(30):
                while any(reader.offset < 3 for reader in readers):
                    await asyncio.sleep(0.01)
            gate.close()
            await asyncio.gather(*following)
            history = await api.history(session)
    for reader, way in zip(readers, WAYS, strict=True):
        assert (reader.cuts, reader.connections) == (0, 1), way
        assert reader.events == history
        assert reader.heartbeats >= 10 or way[1] is long_poll, way

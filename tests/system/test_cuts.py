"""Thousands of cuts at any byte; the stream's hash is the history's hash every time."""

import asyncio
import itertools
from typing import Any

import pytest

from chaos.network import ENDINGS, BadNetwork, Ending, cutting
from tests.system.api import Api, fresh
from tests.system.patience import PATIENCE
from tests.system.processes import Server
from tests.system.readers import Reader, digest, follow
from tests.system.transports import (
    STREAMING,
    TRANSPORTS,
    Transport,
    long_poll,
    many,
    websocket,
)

CUTS = 600


def reach(transport: Transport, *, arrays: bool = False) -> int:
    """Return before which byte to cut: a page or an array must get through now and then."""
    return 25_000 if arrays or transport is long_poll else 4_000


async def passes(
    api: Api, network: BadNetwork, session: str, transport: Transport, **query: Any
) -> list[Reader]:
    """Read a whole session through the network again and again, until CUTS were suffered."""
    readers: list[Reader] = []

    async def read() -> None:
        while sum(reader.cuts for reader in readers) < CUTS:
            reader = Reader(session)
            readers.append(reader)
            await follow(reader, api.http, network.url, transport, **query)

    await asyncio.gather(*(read() for _ in range(4)))
    return readers


@pytest.mark.parametrize(
    ("transport", "query"),
    [
        *((each, {}) for each in TRANSPORTS),
        (websocket, {"frames": "arrays"}),
        (many, {"frames": "arrays"}),
    ],
    ids=lambda it: "-".join(it.values()) if isinstance(it, dict) else it.__name__,
)
@pytest.mark.parametrize("seed", [1, 2])
async def test_history_through_cuts(
    server: Server, api: Api, transport: Transport, query: dict[str, str], seed: int
) -> None:
    """Cut at any byte, in the handshake, a header or a payload, each reading ends with the hash."""
    session = fresh()
    await api.start(session, "chatty", n=40, size=300)
    await api.ended(session)
    expected = digest(await api.history(session))
    async with BadNetwork(
        server.port, cutting(reach(transport, arrays=bool(query))), seed
    ) as network:
        readers = await passes(api, network, session, transport, **query)
    assert {reader.digest for reader in readers} == {expected}, f"seed {seed}"
    assert not any(reader.resets for reader in readers)


async def test_live_through_cuts(server: Server, api: Api) -> None:
    """Readers that are cut all through a live run, and then change transport, miss nothing."""
    session = fresh()
    orders = list(itertools.permutations(TRANSPORTS))[::4]
    readers = [Reader(session) for _ in orders]
    async with BadNetwork(server.port, cutting(6_000), 3) as network:
        following = [
            asyncio.create_task(follow(reader, api.http, network.url, *orders[i]))
            for i, reader in enumerate(readers)
        ]
        await api.start(session, "count", n=400, delay=0.005)
        await asyncio.gather(*following)
    expected = digest(await api.history(session))
    assert {reader.digest for reader in readers} == {expected}
    assert sum(reader.cuts for reader in readers) > 30


@pytest.mark.parametrize("ending", ["stall", "half_close"])
@pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.__name__)
async def test_silence_and_half_closes(
    server: Server, api: Api, transport: Transport, ending: Ending
) -> None:
    """A reader that comes back after too long a silence goes on where it stood."""
    session = fresh()
    await api.start(session, "count", n=60)
    await api.ended(session)
    expected = digest(await api.history(session))
    readers = [Reader(session) for _ in range(8)]
    async with (
        asyncio.timeout(4 * PATIENCE),
        BadNetwork(server.port, cutting(reach(transport), ending), 4) as network,
    ):
        await asyncio.gather(
            *(follow(each, api.http, network.url, transport, silence=0.5) for each in readers)
        )
    assert {reader.digest for reader in readers} == {expected}
    assert network.fates[ending] > 0


@pytest.mark.parametrize("seed", [5, 6])
async def test_everything_at_once(server: Server, api: Api, seed: int) -> None:
    """All transports in turn, every kind of ending, a live run: the bytes are the history's."""
    session = fresh()
    readers = [Reader(session) for _ in range(8)]
    async with BadNetwork(server.port, cutting(12_000, *ENDINGS), seed) as network:
        following = [
            asyncio.create_task(
                follow(reader, api.http, network.url, *TRANSPORTS[i % 4 :], silence=0.5)
            )
            for i, reader in enumerate(readers)
        ]
        await api.start(session, "chatty", n=100, size=200, threads=3)
        await asyncio.gather(*following)
    assert {reader.digest for reader in readers} == {digest(await api.history(session))}


@pytest.mark.parametrize("transport", STREAMING, ids=lambda t: t.__name__)
async def test_all_connections_reset_at_once(
    server: Server, api: Api, transport: Transport
) -> None:
    """A herd that loses its connections in one moment, time and again, comes back whole."""
    session = fresh()
    readers = [Reader(session) for _ in range(40)]
    async with BadNetwork(server.port) as network:
        following = [
            asyncio.create_task(follow(each, api.http, network.url, transport)) for each in readers
        ]
        await api.start(session, "count", n=300, delay=0.005)
        for at in range(50, 300, 50):
            while min(reader.offset for reader in readers) < at:
                await asyncio.sleep(0.01)
            network.reset_all()
        await asyncio.gather(*following)
    assert {reader.digest for reader in readers} == {digest(await api.history(session))}
    assert all(reader.cuts >= 1 for reader in readers)

"""The bad network does what it says; without this, surviving it would prove nothing."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chaos.network import ENDINGS, BadNetwork, Plan, cutting
from tests.system.patience import PATIENCE

LETTER = bytes(range(256)) * 8


class Peer:
    """A server that sends LETTER at once and keeps what it is sent."""

    def __init__(self) -> None:
        self.got = b""
        self.ended = asyncio.Event()
        self.reset = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to the end of what it sends."""
        writer.write(LETTER)
        try:
            while piece := await reader.read(1 << 16):
                self.got += piece
        except ConnectionResetError:
            self.reset = True
        writer.close()
        self.ended.set()


@asynccontextmanager
async def network(plan: Plan) -> AsyncIterator[tuple[BadNetwork, Peer]]:
    """A bad network of one plan before one peer."""
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(PATIENCE), BadNetwork(port, lambda _: plan) as bad:
        yield bad, peer


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Read to the end; a reset is an end too."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := await reader.read(1 << 16):
            got += piece
    return got


@pytest.mark.parametrize("drip", [None, 1, 100])
async def test_sound_connection_loses_nothing(drip: int | None) -> None:
    """Without a cut both directions arrive whole, in pieces of at most `drip` bytes."""
    async with network(Plan(drip=drip)) as (bad, peer):
        reader, writer = await asyncio.open_connection("127.0.0.1", bad.port)
        writer.write(LETTER)
        writer.write_eof()
        assert await read_all(reader) == LETTER
        await peer.ended.wait()
        assert peer.got == LETTER
        assert bad.pieces >= (2 * len(LETTER) // drip if drip else 2)
        assert bad.cuts == 0
        writer.close()


@pytest.mark.parametrize("at", [0, 1, 255, 2047])
async def test_close_hands_on_exactly_the_bytes_before_it(at: int) -> None:
    """A cut at byte N lets N bytes through, and both sides see the end."""
    async with network(Plan(down=at)) as (bad, peer):
        reader, writer = await asyncio.open_connection("127.0.0.1", bad.port)
        assert await read_all(reader) == LETTER[:at]
        await peer.ended.wait()
        assert bad.fates["close"] == 1
        writer.close()


async def test_cut_upwards_hands_on_exactly_the_bytes_before_it() -> None:
    """A cut of what the client sends lets N bytes through to the server."""
    async with network(Plan(up=77)) as (bad, peer):
        _, writer = await asyncio.open_connection("127.0.0.1", bad.port)
        writer.write(LETTER)
        await peer.ended.wait()
        assert peer.got == LETTER[:77]
        writer.close()


async def test_reset_is_a_reset() -> None:
    """Both sides of a reset connection get ECONNRESET, not an end of file."""
    async with network(Plan(up=5, ending="reset")) as (bad, peer):
        reader, writer = await asyncio.open_connection("127.0.0.1", bad.port)
        await reader.readexactly(len(LETTER))
        writer.write(b"hello")
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        await peer.ended.wait()
        assert peer.reset
        writer.close()


async def test_half_close_ends_one_direction_alone() -> None:
    """After a half-close downwards the client still reaches the server."""
    async with network(Plan(down=10, ending="half_close")) as (bad, peer):
        reader, writer = await asyncio.open_connection("127.0.0.1", bad.port)
        assert await read_all(reader) == LETTER[:10]
        assert not peer.ended.is_set()
        writer.write(LETTER)
        writer.write_eof()
        await peer.ended.wait()
        assert peer.got == LETTER
        writer.close()


async def test_stall_tells_nobody() -> None:
    """After a stall nothing comes and nothing ends, until the client goes."""
    async with network(Plan(down=10, ending="stall")) as (bad, peer):
        reader, writer = await asyncio.open_connection("127.0.0.1", bad.port)
        assert await reader.readexactly(10) == LETTER[:10]
        writer.write(b"are you there?")
        more = asyncio.create_task(reader.read(1))
        while peer.got != b"are you there?":
            await asyncio.sleep(0.001)
        assert not more.done()
        writer.close()
        await peer.ended.wait()
        await asyncio.gather(more, return_exceptions=True)


async def test_reset_all_takes_every_open_connection() -> None:
    """`reset_all` ends what is open, and leaves the network working."""
    async with network(Plan()) as (bad, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", bad.port)
        await reader.readexactly(len(LETTER))
        bad.reset_all()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        again, second = await asyncio.open_connection("127.0.0.1", bad.port)
        assert await again.readexactly(len(LETTER)) == LETTER
        writer.close()
        second.close()


def test_seed_decides() -> None:
    """The same seed draws the same fates, another one others; all endings and both ways occur."""
    draw = cutting(5000, *ENDINGS)
    plans = [[draw(random.Random(f"{seed}:{n}")) for n in range(500)] for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    assert {plan.ending for plan in plans[0]} == set(ENDINGS)
    assert 20 < sum(plan.up is not None for plan in plans[0]) < 150
    assert any(plan.drip == 1 for plan in plans[0])

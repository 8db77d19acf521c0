"""Attaching at any time, and leaving at any time, costs nobody an event."""

import asyncio
import contextlib

import pytest

from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.readers import Reader, digest, follow, frames, listen
from tests.system.transports import STREAMING, TRANSPORTS, Transport, websocket

each_transport = pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.__name__)
streaming = pytest.mark.parametrize("transport", STREAMING, ids=lambda t: t.__name__)


async def connected(reader: Reader, api: Api, transport: Transport) -> None:
    """Connect, see that the connection stands, and drop it before any event."""
    async with contextlib.aclosing(frames(reader, api.http, api.url, transport)) as stream:
        frame = await anext(stream)
    assert frame.kind == "ready"


@streaming
async def test_drop_before_run_starts_costs_nothing(api: Api, transport: Transport) -> None:
    """The bug this project began with: attach, drop, start, reconnect; every event comes, once."""
    reader = Reader(fresh())
    await connected(reader, api, transport)
    await api.start(reader.session, "count", n=20)
    await follow(reader, api.http, api.url, transport)
    assert reader.bye == "closed"
    assert reader.offset == 22
    assert reader.events == await api.history(reader.session)
    assert reader.resets == []


@streaming
async def test_drop_before_first_event_keeps_the_epoch(api: Api, transport: Transport) -> None:
    """A cursor of offset 0 is handed out before any event, and names the log that then comes."""
    reader = Reader(fresh())
    for _ in range(3):
        await connected(reader, api, transport)
    epoch = reader.epoch
    await api.start(reader.session, "silent")
    await follow(reader, api.http, api.url, transport)
    assert reader.epoch == epoch == (await api.session(reader.session))["epoch"]


@each_transport
async def test_attach_before_session_exists(api: Api, transport: Transport) -> None:
    """A reader that is there before the session gets every event as it comes."""
    reader = Reader(fresh())
    following = asyncio.create_task(follow(reader, api.http, api.url, transport))
    while not reader.connections:
        await asyncio.sleep(0)
    await api.start(reader.session, "count", n=50)
    await following
    assert reader.events == await api.history(reader.session)
    assert len(reader.events) == 52


@each_transport
async def test_attach_after_end(api: Api, transport: Transport) -> None:
    """A run that ended before anyone subscribed is read whole, and the stream ends by itself."""
    reader = Reader(fresh())
    await api.start(reader.session, "count", n=2500)
    await api.ended(reader.session)
    await follow(reader, api.http, api.url, transport)
    assert (reader.bye, reader.offset) == ("closed", 2502)
    assert reader.digest == digest(await api.history(reader.session))


async def test_hundred_readers_share_nothing(api: Api) -> None:
    """A hundred readers on all transports, there before, during and after, get the same bytes."""
    session = fresh()
    readers = [Reader(session) for _ in range(100)]
    early = [
        asyncio.create_task(follow(each, api.http, api.url, TRANSPORTS[i % len(TRANSPORTS)]))
        for i, each in enumerate(readers[:60])
    ]
    await asyncio.sleep(0)
    await api.start(session, "count", n=300, delay=0.001)
    during = [
        asyncio.create_task(follow(each, api.http, api.url, TRANSPORTS[i % len(TRANSPORTS)]))
        for i, each in enumerate(readers[60:])
    ]
    await asyncio.gather(*early, *during)
    expected = digest(await api.history(session))
    assert {each.digest for each in readers} == {expected}
    assert {each.offset for each in readers} == {302}


@streaming
async def test_older_connection_dies_last(api: Api, gate: Gate, transport: Transport) -> None:
    """The death of a client's old connection changes nothing for its new one."""
    old = Reader(fresh())
    async with contextlib.aclosing(frames(old, api.http, api.url, transport)) as old_stream:
        await anext(old_stream)
        await api.start(old.session, "gated", gate=gate.path)
        await anext(old_stream)
        new = Reader(old.session, epoch=old.epoch, offset=old.offset)
        async with contextlib.aclosing(frames(new, api.http, api.url, transport)) as new_stream:
            assert (await anext(new_stream)).kind == "ready"
            gate.let(3)
            while new.offset < 4:
                await anext(new_stream)
            await old_stream.aclose()
            gate.let(3)
            gate.close()
            async for _ in new_stream:
                pass
    assert (new.bye, new.offset) == ("closed", 8)
    assert new.events == (await api.history(new.session))[1:]


async def test_run_goes_on_alone(api: Api, gate: Gate) -> None:
    """Detaching is not cancelling: a run that lost every reader ends as it would have."""
    reader = Reader(fresh())
    run = await api.start(reader.session, "gated", gate=gate.path)
    gate.let(len(TRANSPORTS) - 1)
    for transport in TRANSPORTS:
        await listen(reader, api.http, api.url, transport, events=1)
    gate.let(5)
    gate.close()
    await api.ended(reader.session)
    assert (await api.run(run["id"]))["state"] == "complete"
    await follow(reader, api.http, api.url, websocket)
    assert reader.offset == len(TRANSPORTS) + 6


async def test_two_runs_in_one_session(api: Api) -> None:
    """A new run in a closed session goes on with the offsets where the first one ended."""
    reader = Reader(fresh())
    for _ in range(2):
        run = await api.start(reader.session, "count", n=3)
        await api.ended(reader.session, run["id"])
    await follow(reader, api.http, api.url, websocket)
    assert reader.offset == 10
    assert reader.digest == digest(await api.history(reader.session))

"""What a connection says about itself: ready first, heartbeats, bye last; and what ends it."""

import asyncio
import contextlib
import json

import pytest

from tests.system.api import Api, fresh
from tests.system.frames import Frame, Refused
from tests.system.gate import Gate
from tests.system.processes import StartServer
from tests.system.readers import Reader, follow, frames
from tests.system.transports import STREAMING, TRANSPORTS, Transport, event_stream, websocket

each_transport = pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.__name__)
streaming = pytest.mark.parametrize("transport", STREAMING, ids=lambda t: t.__name__)


@streaming
async def test_ready_comes_first_and_says_all(api: Api, transport: Transport) -> None:
    """The first frame tells what the reader may count on."""
    session = fresh()
    async with contextlib.aclosing(transport(api.http, api.url, session)) as stream:
        ready = (await anext(stream)).body
    named = {"type", "protocol", "session", "epoch", "state", "first", "last", "after"}
    assert named | {"heartbeat", "time"} <= set(ready)
    assert (ready["type"], ready["protocol"], ready["session"]) == ("ready", 1, session)
    assert (ready["state"], ready["first"], ready["last"]) == ("waiting", 1, 0)
    assert ready["after"] == f"{ready['epoch']}-0"
    assert ready["heartbeat"] == 0.5


@streaming
async def test_ready_of_a_running_session(api: Api, gate: Gate, transport: Transport) -> None:
    """`ready` tells the state and the ends of the log at the moment of attaching."""
    session = fresh()
    await api.start(session, "gated", gate=gate.path)
    gate.let(1)
    await api.reached(session, "tick")
    async with contextlib.aclosing(transport(api.http, api.url, session)) as stream:
        ready = (await anext(stream)).body
    assert (ready["state"], ready["first"], ready["last"]) == ("running", 1, 2)


@streaming
async def test_heartbeat_where_nothing_is_sent(api: Api, gate: Gate, transport: Transport) -> None:
    """Silence is filled with heartbeats whose cursor is where the reader stands."""
    reader = Reader(fresh())
    await api.start(reader.session, "gated", gate=gate.path)
    async with contextlib.aclosing(frames(reader, api.http, api.url, transport)) as stream:
        for expected in (1, 2):
            while reader.heartbeats < 2 * expected:
                await anext(stream)
            assert reader.offset == expected
            gate.let(1)
            while reader.offset == expected:
                await anext(stream)


@streaming
async def test_heartbeat_of_a_waiting_session(api: Api, transport: Transport) -> None:
    """A session that only waits beats too: its reader knows that the connection lives."""
    reader = Reader(fresh())
    async with contextlib.aclosing(frames(reader, api.http, api.url, transport)) as stream:
        while reader.heartbeats < 3:
            await anext(stream)
    assert reader.offset == 0


@streaming
async def test_bye_closed_ends_the_stream(api: Api, transport: Transport) -> None:
    """After the last event of a closed session comes `bye` with the last cursor, then the close."""
    session = fresh()
    await api.start(session, "silent")
    async with contextlib.aclosing(transport(api.http, api.url, session)) as stream:
        came = [frame async for frame in stream]
    assert [each.kind for each in came] == ["ready", "event", "event", "bye"]
    bye = came[-1].body
    assert (bye["reason"], bye["reconnect"]) == ("closed", False)
    assert bye["cursor"] == f"{came[0].body['epoch']}-2"


async def test_stream_at_its_end_is_204(api: Api) -> None:
    """An event source that has everything of a closed session is told to stop, by 204."""
    session = fresh()
    await api.start(session, "silent")
    await api.ended(session)
    epoch = (await api.session(session))["epoch"]
    with pytest.raises(Refused) as refused:
        async with contextlib.aclosing(
            event_stream(api.http, api.url, session, f"{epoch}-2")
        ) as stream:
            await anext(stream)
    assert refused.value.code == 204


@streaming
async def test_forever_follows_later_runs(api: Api, transport: Transport) -> None:
    """With `until=forever` the stream goes on over the end of a run into the next one."""
    reader = Reader(fresh())
    stream = frames(reader, api.http, api.url, transport, until="forever")
    async with contextlib.aclosing(stream):
        for run in (1, 2, 3):
            await api.start(reader.session, "count", n=2)
            while reader.offset < 4 * run:
                await anext(stream)
            heartbeats = reader.heartbeats
            while reader.heartbeats == heartbeats:
                await anext(stream)
    assert reader.events == await api.history(reader.session)


@streaming
async def test_forever_at_the_end_waits(api: Api, transport: Transport) -> None:
    """With `until=forever` a cursor at the end of a closed session gets a stream, not an end."""
    reader = Reader(fresh())
    await api.start(reader.session, "silent")
    await follow(reader, api.http, api.url, websocket)
    stream = frames(reader, api.http, api.url, transport, until="forever")
    async with contextlib.aclosing(stream):
        assert (await anext(stream)).kind == "ready"
        await api.start(reader.session, "silent")
        while reader.offset < 4:
            await anext(stream)


@each_transport
async def test_types_filters_what_is_sent(api: Api, transport: Transport) -> None:
    """`types` leaves out terminal events too and never changes the numbering; `bye` comes."""
    reader = Reader(fresh(), sparse=True)
    await api.start(reader.session, "agents")
    await api.ended(reader.session)
    await follow(reader, api.http, api.url, transport, types="agent_start,agent_complete")
    history = await api.history(reader.session)
    wanted = ("agent_start", "agent_complete")
    assert reader.events == [each for each in history if json.loads(each)["type"] in wanted]
    assert len(reader.events) == 4
    assert (reader.bye, reader.offset) == ("closed", len(history))


@streaming
async def test_filtered_cursor_moves_with_the_log(
    api: Api, gate: Gate, transport: Transport
) -> None:
    """A reader whose filter lets nothing through still learns how far it has got."""
    reader = Reader(fresh(), sparse=True)
    await api.start(reader.session, "gated", gate=gate.path)
    stream = frames(reader, api.http, api.url, transport, types="progress")
    async with contextlib.aclosing(stream):
        await anext(stream)
        gate.let(4)
        while reader.offset < 5:
            await anext(stream)
    assert reader.events == []


async def test_long_poll_filter_scans_on(api: Api) -> None:
    """`limit` counts returned events; `next` is the last position scanned."""
    session = fresh()
    await api.start(session, "count", n=1500)
    await api.ended(session)
    page = await api.page(session, types="complete", limit=1)
    assert (len(page.events), page.next) == (1, f"{page.epoch}-1502")
    page = await api.page(session, types="tick", limit=10)
    assert (len(page.events), page.next) == (10, f"{page.epoch}-11")


@streaming
async def test_unknown_until_is_refused(api: Api, transport: Transport) -> None:
    """An `until` that means nothing is the caller's fault."""
    with pytest.raises(Refused) as refused:
        async with contextlib.aclosing(
            transport(api.http, api.url, fresh(), until="tomorrow")
        ) as stream:
            await anext(stream)
    assert refused.value.code in (400, 4400)


async def test_rotation_asks_to_come_again(start_server: StartServer, gate: Gate) -> None:
    """`ROTATE_SECONDS` ends a connection with a `bye` that says when to come again."""
    server = start_server(ROTATE_SECONDS=0.3, HEARTBEAT_SECONDS=0.2)
    async with Api(server.url) as api:
        session = fresh()
        await api.start(session, "gated", gate=gate.path)
        byes: list[Frame] = []
        readers = [Reader(session) for _ in STREAMING]
        for reader, transport in zip(readers, STREAMING, strict=True):
            async with contextlib.aclosing(frames(reader, api.http, api.url, transport)) as stream:
                byes += [frame async for frame in stream if frame.kind == "bye"]
        for bye in byes:
            assert (bye.body["reason"], bye.body["reconnect"]) == ("rotate", True)
            assert bye.body["after_ms"] >= 0
        assert len(byes) == len(STREAMING)
        following = [
            asyncio.create_task(follow(reader, api.http, api.url, transport))
            for reader, transport in zip(readers, STREAMING, strict=True)
        ]
        gate.let(50)
        gate.close()
        await asyncio.gather(*following)
        history = await api.history(session)
        assert [reader.events for reader in readers] == [history] * len(STREAMING)

"""A WebSocket whose frames hold arrays of events: the same stream, in fewer messages."""

import asyncio
import json

from tests.system.api import Api, fresh
from tests.system.patience import PATIENCE
from tests.system.readers import Reader, follow
from tests.system.transports import websocket


async def test_a_history_is_the_same_in_fewer_messages(api: Api) -> None:
    """Every event comes once, byte for byte; a late reader has many of them in a message."""
    session = fresh()
    await api.start(session, "count", n=500)
    await api.ended(session)
    reader = Reader(session)
    await follow(reader, api.http, api.url, websocket, frames="arrays")
    assert reader.events == await api.history(session)
    url = f"{api.url}/api/sessions/{session}/ws?frames=arrays"
    async with api.http.ws_connect(url) as socket:
        messages = [json.loads(message.data) async for message in socket]
    assert [type(message) for message in (messages[0], messages[-1])] == [dict, dict]
    assert sum(len(each) for each in messages[1:-1]) == 502
    assert len(messages) < 50


async def test_live_events_come_in_arrays_too(api: Api) -> None:
    """One that is live has each commit's events as an array; commands are answered by objects."""
    session = fresh()
    reader = Reader(session)
    following = asyncio.create_task(follow(reader, api.http, api.url, websocket, frames="arrays"))
    while not reader.connections:
        await asyncio.sleep(0)
    await api.start(session, "count", n=30, delay=0.005)
    await following
    assert reader.events == await api.history(session)
    url = f"{api.url}/api/sessions/{session}/ws?frames=arrays&until=forever"
    async with api.http.ws_connect(url) as socket:
        await socket.send_json({"type": "ping", "id": 1})
        while (said := await socket.receive_json(timeout=PATIENCE)) != {"type": "pong", "to": 1}:
            assert isinstance(said, list) or "offset" not in said


async def test_a_filter_holds_within_arrays(api: Api) -> None:
    """With `types` the arrays have only those."""
    session = fresh()
    await api.start(session, "count", n=20)
    await api.ended(session)
    reader = Reader(session, sparse=True)
    await follow(reader, api.http, api.url, websocket, frames="arrays", types="run_start,complete")
    assert [json.loads(event)["type"] for event in reader.events] == ["run_start", "complete"]

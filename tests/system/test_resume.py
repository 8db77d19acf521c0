"""Resuming, also on another transport than the one that dropped, continues to the byte."""

import asyncio
import itertools
import json

import pytest

from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.readers import Reader, digest, follow, listen
from tests.system.transports import TRANSPORTS, Transport, event_stream


@pytest.mark.parametrize(
    ("first", "second"),
    [*itertools.product(TRANSPORTS, repeat=2)],
    ids=lambda each: each.__name__,
)
async def test_every_pair_of_transports(api: Api, first: Transport, second: Transport) -> None:
    """What one transport began another one ends, at every offset, with the same bytes."""
    session = fresh()
    await api.start(session, "count", n=8)
    await api.ended(session)
    expected = digest(await api.history(session))
    for at in range(1, 10):
        reader = Reader(session)
        await listen(reader, api.http, api.url, first, events=at)
        assert reader.offset == at
        await follow(reader, api.http, api.url, second)
        assert (reader.digest, reader.resets) == (expected, [])


@pytest.mark.parametrize(
    ("first", "second"),
    [*itertools.permutations(TRANSPORTS, 2)],
    ids=lambda each: each.__name__,
)
async def test_change_while_running(
    api: Api, gate: Gate, first: Transport, second: Transport
) -> None:
    """A change of transport in the middle of a live run loses and doubles nothing."""
    reader = Reader(fresh())
    await api.start(reader.session, "gated", gate=gate.path)
    for transport in (first, second, first, second):
        gate.let(2)
        await listen(reader, api.http, api.url, transport, events=2)
    following = asyncio.create_task(follow(reader, api.http, api.url, second, first))
    gate.close()
    await following
    assert reader.events == await api.history(reader.session)
    assert reader.offset == 10


async def test_all_transports_carry_the_same_bytes(api: Api) -> None:
    """Every kind of event is the same bytes on every transport and in the history."""
    session = fresh()
    live = [Reader(session) for _ in TRANSPORTS]
    following = [
        asyncio.create_task(follow(each, api.http, api.url, transport))
        for each, transport in zip(live, TRANSPORTS, strict=True)
    ]
    await asyncio.sleep(0)
    await api.start(session, "agents")
    await asyncio.gather(*following)
    history = await api.history(session)
    assert [each.events for each in live] == [history] * len(TRANSPORTS)
    kinds = [json.loads(event)["type"] for event in history]
    assert kinds[0] == "run_start"
    assert kinds[-1] == "complete"
    assert {"agent_start", "agent_delta", "tool_call", "progress"} <= set(kinds)


async def test_hostile_texts_survive_every_transport(api: Api) -> None:
    """No text forges a line, a field or a frame; each arrives as it was emitted."""
    from tests.system.flows.lives import HOSTILE

    session = fresh()
    await api.start(session, "hostile")
    await api.ended(session)
    history = await api.history(session)
    for transport in TRANSPORTS:
        reader = Reader(session)
        await follow(reader, api.http, api.url, transport)
        assert reader.events == history
    texts = [json.loads(event)["data"].get("text") for event in history]
    assert texts[1:-1] == HOSTILE


async def test_event_of_a_megabyte(api: Api) -> None:
    """The largest event that the pipe takes arrives on every transport; more is refused in emit."""
    session = fresh()
    await api.start(session, "big", size=1_000_000)
    events = await api.ended(session)
    assert [event["type"] for event in events] == ["run_start", "big", "complete"]
    for transport in TRANSPORTS:
        reader = Reader(session)
        await follow(reader, api.http, api.url, transport)
        assert reader.events == await api.history(session)
    more = fresh()
    await api.start(more, "big", size=1_100_000)
    kinds = [event["type"] for event in await api.ended(more)]
    assert kinds == ["run_start", "refused_here", "complete"]


async def test_last_event_id_beats_after(api: Api) -> None:
    """`Last-Event-ID` is what a browser sends when it reconnects to a url that has an `after`."""
    session = fresh()
    await api.start(session, "count", n=5)
    epoch = (await api.ended(session), await api.session(session))[1]["epoch"]
    url = f"{api.url}/api/sessions/{session}/sse?after={epoch}-1"
    async with api.http.get(url, headers={"Last-Event-ID": f"{epoch}-5"}) as answer:
        body = await answer.text()
    assert f"id: {epoch}-6\n" in body
    assert f"id: {epoch}-4\n" not in body


async def test_cursor_goes_in_query_too(api: Api) -> None:
    """An event stream resumes by `after` as it does by `Last-Event-ID`."""
    reader = Reader(fresh())
    await api.start(reader.session, "count", n=5)
    await api.ended(reader.session)
    await listen(reader, api.http, api.url, event_stream, events=3)
    await follow(reader, api.http, api.url, event_stream, header=False)
    assert reader.events == await api.history(reader.session)

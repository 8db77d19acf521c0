"""Cursors that are stale, ahead, foreign, of nothing, negative, or garbage."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from tests.system.api import Api, fresh
from tests.system.frames import Frame, Refused
from tests.system.gate import Gate
from tests.system.readers import Reader, follow, frames, listen
from tests.system.transports import (
    CLOSE_CODES,
    TRANSPORTS,
    Transport,
    event_stream,
    long_poll,
    websocket,
)

each_transport = pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.__name__)
GARBAGE = [
    "abcd-", "-1", "abcd--1", "abcd-1.0", "abcd-1e3", "abcd-+1", "abcd-0x1", "abcd- 1", "1",
    "abc-1", "ABCD-1", "abcdefghijklmnopq-1", "abcd-1-1", "abcd_1", "now1", "null", "{}", "*",
    "abcd-\uff11", "abcd-1\n", "../abcd-1", "abcd-1%00", "a" * 5000,
]  # fmt: skip


async def finished(api: Api) -> tuple[str, str, list[bytes]]:
    """Return a closed session of five events, its epoch, and its history."""
    session = fresh()
    await api.start(session, "count", n=3)
    await api.ended(session)
    return session, (await api.session(session))["epoch"], await api.history(session)


async def received(api: Api, transport: Transport, session: str, after: str) -> list[Frame]:
    """Return everything that one connection brings that asks with `after`."""
    async with contextlib.aclosing(opened(api, transport, session, after)) as stream:
        return [frame async for frame in stream]


def opened(api: Api, transport: Transport, session: str, after: str) -> AsyncGenerator[Frame, None]:
    """Return a connection that asks with `after` in its query, an event stream's too."""
    query = {"header": False} if transport is event_stream else {}
    return transport(api.http, api.url, session, after, **query)


async def refusal(api: Api, transport: Transport, session: str, after: str) -> int:
    """Return the code that such a connection is refused with; a close may follow a `bye`."""
    try:
        came = await received(api, transport, session, after)
    except Refused as refused:
        return refused.code
    assert [frame.kind for frame in came] == ["bye"], came
    return CLOSE_CODES[came[0].body["reason"]][0]


@each_transport
async def test_stale_cursor_goes_on(api: Api, transport: Transport) -> None:
    """An old cursor of this epoch gets exactly what came after it, however often it asks."""
    session, epoch, history = await finished(api)
    for offset in range(5):
        for _ in range(2):
            came = await received(api, transport, session, f"{epoch}-{offset}")
            assert [each.raw for each in came if each.kind == "event"] == history[offset:]
            assert "reset" not in [each.kind for each in came]


@each_transport
@pytest.mark.parametrize(
    ("reason", "epoch_of"), [("ahead", "this"), ("epoch", "another")], ids=["ahead", "foreign"]
)
async def test_cursor_that_cannot_be_continued(
    api: Api, transport: Transport, reason: str, epoch_of: str
) -> None:
    """A cursor past the end, or of another epoch, gets a reset that says so, then the whole log."""
    session, epoch, history = await finished(api)
    after = f"{epoch}-6" if epoch_of == "this" else "zzzz0000-3"
    came = await received(api, transport, session, after)
    kinds = [each.kind for each in came]
    reset = came[kinds.index("reset")]
    assert (reset.body["reason"], reset.body["epoch"]) == (reason, epoch)
    assert (reset.body["first"], reset.body["last"]) == (1, 5)
    assert kinds.index("reset") < kinds.index("event")
    assert [each.raw for each in came if each.kind == "event"] == history
    if came[0].kind == "ready":
        assert came[0].body["after"] == after


@each_transport
async def test_reset_reader_ends_with_the_history(api: Api, transport: Transport) -> None:
    """A client that obeys a reset holds the history in the end."""
    session, _, history = await finished(api)
    reader = Reader(session, epoch="zzzz0000", offset=3)
    await follow(reader, api.http, api.url, transport)
    assert (reader.resets, reader.events) == (["epoch"], history)


@each_transport
async def test_nothing_yet_is_always_good(api: Api, transport: Transport) -> None:
    """A cursor of offset 0 gets the log from its first event, whatever epoch it names."""
    session, epoch, history = await finished(api)
    for after in ("", f"{epoch}-0", "zzzz0000-0"):
        came = await received(api, transport, session, after)
        assert [each.raw for each in came if each.kind == "event"] == history
        assert "reset" not in [each.kind for each in came]


@each_transport
@pytest.mark.parametrize("after", GARBAGE, ids=[*map(str, range(len(GARBAGE)))])
async def test_garbage_is_refused(api: Api, transport: Transport, after: str) -> None:
    """What is no cursor is the caller's fault, and is said so."""
    code = await refusal(api, transport, fresh(), after)
    assert code == (4400 if transport is websocket else 400)


@each_transport
async def test_huge_offset_is_ahead_or_no_cursor(api: Api, transport: Transport) -> None:
    """An offset beyond 64 bits is ahead of any log, or no cursor; never the server's fault."""
    session, epoch, _ = await finished(api)
    for after in (f"{epoch}-9223372036854775808", f"{epoch}-{10**40}"):
        try:
            came = await received(api, transport, session, after)
        except Refused as refused:
            assert refused.code in (400, 4400)
        else:
            assert "ahead" in [each.body.get("reason") for each in came]


@each_transport
async def test_cursor_of_a_session_that_is_not(api: Api, transport: Transport) -> None:
    """To have read events of a session that doesn't exist is to follow one that is gone."""
    expected = {"websocket": 4410, "event_stream": 204, "many": 4410, "long_poll": 404}
    code = await refusal(api, transport, fresh(), "abcd1234-7")
    assert code == expected[transport.__name__]


@each_transport
async def test_now_skips_what_was(api: Api, gate: Gate, transport: Transport) -> None:
    """`after=now` gets nothing of the past and everything from now on."""
    session = fresh()
    await api.start(session, "gated", gate=gate.path)
    gate.let(2)
    while (await api.session(session))["last"] < 3:
        await asyncio.sleep(0.005)
    came: list[Frame] = []
    async with contextlib.aclosing(opened(api, transport, session, "now")) as stream:
        if transport is not long_poll:
            came.append(await anext(stream))
            assert came[0].body["after"].endswith("-3")
            gate.close()
        else:
            asyncio.get_running_loop().call_later(0.2, gate.close)
        came += [frame async for frame in stream]
    assert [each.offset for each in came if each.kind == "event"] == [4]


async def test_next_is_a_cursor_for_every_transport(api: Api) -> None:
    """The `next` of a page is the cursor that any transport goes on from."""
    session, _, history = await finished(api)
    page = await api.page(session, limit=2)
    for transport in TRANSPORTS:
        came = await received(api, transport, session, page.next)
        assert [each.raw for each in came if each.kind == "event"] == history[2:]


async def test_reader_that_waits_sees_no_reset(api: Api) -> None:
    """A cursor at the very end is not ahead."""
    reader = Reader(fresh())
    await api.start(reader.session, "silent")
    await api.ended(reader.session)
    await listen(reader, api.http, api.url, websocket)
    stream = frames(reader, api.http, api.url, websocket)
    async with contextlib.aclosing(stream):
        assert [frame.kind async for frame in stream] == ["ready", "bye"]

"""Many sessions on one WebSocket: each stream is whole, and none is another's business."""

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from chaos.network import BadNetwork, cutting
from chaos.proc import resident
from tests.system.api import Api, fresh
from tests.system.frames import Frame, addressed_frames
from tests.system.gate import Gate
from tests.system.patience import PATIENCE
from tests.system.processes import Server, StartServer
from tests.system.readers import LOST, Reader, digest, follow
from tests.system.test_slow_reader import deaf
from tests.system.transports import many, websocket

MAX_SUBSCRIPTIONS = 1000
ANSWERS = ("ok", "pong", "refused")


class Connection:
    """One connection, and the readers of the sessions that it follows."""

    def __init__(self, wire: aiohttp.ClientWebSocketResponse, *, arrays: bool = False) -> None:
        self.wire = wire
        self.arrays = arrays
        self.own: list[Frame] = []  # what the connection said of itself, answers too
        self.readers: dict[str, Reader] = {}
        self.quiet: set[str] = set()  # nothing may come of these
        self._first: set[str] = set()
        self._number = 0

    async def say(self, type_: str, **fields: object) -> int:
        """Send a message; return its id."""
        self._number += 1
        await self.wire.send_json({"type": type_, "id": self._number, **fields})
        return self._number

    async def ask(self, type_: str, **fields: object) -> dict[str, Any]:
        """Send a message and return its answer; what comes before it is taken."""
        number = await self.say(type_, **fields)
        return await self.answer(number)

    async def answer(self, number: int) -> dict[str, Any]:
        """Return the answer to that message, waiting for it."""

        def found() -> list[dict[str, Any]]:
            said = [frame.body for frame in self.own if frame.kind in ANSWERS]
            return [body for body in said if body["to"] == number]

        await self.take_until(lambda: bool(found()))
        (answer,) = found()
        return answer

    async def subscribe(self, reader: Reader, **asked: object) -> None:
        """Follow the reader's session from its cursor on; the `ok` comes before any frame of it."""
        self.readers[reader.session] = reader
        self.quiet.add(reader.session)
        asked = {"session": reader.session, "after": reader.connect(), **asked}
        answer = await self.ask("subscribe", **asked)
        assert answer["type"] == "ok", answer
        self.quiet.discard(reader.session)
        self._first.add(reader.session)

    async def unsubscribe(self, reader: Reader) -> None:
        """Follow it no more; nothing may come of it from the `ok` on."""
        assert (await self.ask("unsubscribe", session=reader.session))["type"] == "ok"
        self.quiet.add(reader.session)

    async def take_until(self, done: Callable[[], object]) -> None:
        """Take messages until that is so."""
        while not done():
            if not await self.take():
                raise ConnectionResetError(f"closed with {self.wire.close_code}")

    async def take_to(self, reader: Reader, offset: int) -> None:
        """Take messages until the reader has that event, or its stream has ended."""
        await self.take_until(lambda: reader.offset >= offset or reader.bye)

    async def take(self) -> bool:
        """Take one message; False at the end of the connection."""
        message = await self.wire.receive(timeout=PATIENCE)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return False
        for session, frame in addressed_frames(message.data, arrays=self.arrays):
            if session is None:
                assert "session" not in frame.body
                assert bool(self.own) == (frame.kind != "ready"), "ready comes first, and once"
                self.own.append(frame)
                continue
            assert session not in self.quiet, message.data
            self.readers[session].take(frame, first=session in self._first)
            self._first.discard(session)
            if frame.kind == "bye":
                self.quiet.add(session)
        return True


@asynccontextmanager
async def connected(
    http: aiohttp.ClientSession, url: str, frames: str = "events"
) -> AsyncIterator[Connection]:
    """Open a connection."""
    async with http.ws_connect(f"{url}/api/ws?frames={frames}", max_msg_size=0) as wire:
        yield Connection(wire, arrays=frames == "arrays")


# -- the same streams


@pytest.mark.parametrize("frames", ["events", "arrays"])
async def test_each_frame_is_the_bytes_of_the_sessions_own_socket(api: Api, frames: str) -> None:
    """What stands under `frame` is what the session's own WebSocket sends, byte for byte."""
    session = fresh()
    await api.start(session, "agents")
    await api.ended(session)
    own = f"{api.url}/api/sessions/{session}/ws?frames={frames}&after=none0000-7"
    async with api.http.ws_connect(own) as wire:
        expected = [message.data async for message in wire]
    came = []
    async with api.http.ws_connect(f"{api.url}/api/ws?frames={frames}") as wire:
        asked = {"type": "subscribe", "id": 1, "session": session, "after": "none0000-7"}
        await wire.send_json(asked)
        lead = f'{{"session":"{session}","frame":'
        while '"type":"bye"' not in (said := await wire.receive_str(timeout=PATIENCE)):
            came.append(said)
        came = [said.removeprefix(lead)[:-1] for said in [*came, said] if said.startswith(lead)]
    assert [_untimed(each) for each in came] == [_untimed(each) for each in expected]
    assert '"type":"reset"' in came[1]


def _untimed(frame: str) -> str:
    return re.sub(r'("type":"ready".*"time":")[^"]*', r"\1", frame)


async def test_before_during_and_after_on_one_connection(api: Api, gate: Gate) -> None:
    """Sessions that do not exist, that run and that have ended are followed side by side."""
    before, during, after = readers = [Reader(fresh()) for _ in range(3)]
    await api.start(during.session, "gated", gate=gate.path)
    gate.let(3)
    await api.start(after.session, "count", n=2500)
    await api.ended(after.session)
    async with connected(api.http, api.url) as it:
        for reader in readers:
            await it.subscribe(reader)
        await it.take_until(lambda: after.bye == "closed" and during.offset == 4)
        await api.start(before.session, "count", n=50)
        gate.let(2)
        gate.close()
        await it.take_until(lambda: all(reader.bye == "closed" for reader in readers))
        assert (await it.ask("ping"))["type"] == "pong"
    for reader in readers:
        assert reader.events == await api.history(reader.session)


@pytest.mark.parametrize("frames", ["events", "arrays"])
async def test_interleaved_and_cut(server: Server, api: Api, frames: str) -> None:
    """Sessions that all emit at once come whole, over connections that are cut at any byte."""
    readers = [Reader(fresh()) for _ in range(12)]
    cuts = 0
    async with BadNetwork(server.port, cutting(60_000), 7) as network:
        runs = asyncio.gather(
            *(api.start(each.session, "count", n=300, delay=0.002) for each in readers)
        )
        while any(reader.bye != "closed" for reader in readers):
            try:
                async with connected(api.http, network.url, frames) as it:
                    for reader in readers:
                        if reader.bye != "closed":
                            await it.subscribe(reader)
                    await it.take_until(lambda: all(each.bye == "closed" for each in readers))
            except LOST:
                cuts += 1
                await asyncio.sleep(0.005)
        await runs
    assert cuts > 3
    for reader in readers:
        assert reader.events == await api.history(reader.session)
        assert reader.resets == []


async def test_filters_and_later_runs(api: Api) -> None:
    """`types` and `until` are each subscription's own."""
    some, all_ = Reader(fresh(), sparse=True), Reader(fresh())
    async with connected(api.http, api.url) as it:
        await it.subscribe(some, types=["run_start", "complete"])
        await it.subscribe(all_, until="forever")
        for run in (1, 2):
            for reader in (some, all_):
                started = await api.start(reader.session, "count", n=5)
                await api.ended(reader.session, started["id"])
            await it.take_to(all_, 7 * run)
            await it.take_until(lambda: some.bye == "closed")
    assert [json.loads(each)["type"] for each in some.events] == ["run_start", "complete"]
    assert all_.events == await api.history(all_.session)
    assert all_.bye is None


# -- leaving, and ends


@pytest.mark.parametrize("frames", ["events", "arrays"])
async def test_nothing_comes_after_unsubscribe(api: Api, frames: str) -> None:
    """After its `ok` nothing of that session comes, until it is subscribed to again."""
    busy, other = Reader(fresh()), Reader(fresh())
    for reader in (busy, other):
        await api.start(reader.session, "count", n=3000, delay=0.0005)
    times = 0
    async with connected(api.http, api.url, frames) as it:
        await it.subscribe(other)
        while busy.bye is None:
            await it.subscribe(busy)
            await it.take_to(busy, busy.offset + 20)
            await it.unsubscribe(busy)  # `ok` too where it had ended by itself meanwhile
            assert (await it.ask("ping"))["type"] == "pong"
            times += 1
        await it.take_until(lambda: other.bye == "closed")
    assert times > 5
    for reader in (busy, other):
        assert reader.digest == digest(await api.history(reader.session))


async def test_an_end_is_of_its_session_alone(api: Api, gate: Gate) -> None:
    """`closed` and `deleted` end a subscription; the connection stays, and may have it again."""
    closed, deleted, stays = [Reader(fresh()) for _ in range(3)]
    await api.start(stays.session, "gated", gate=gate.path)
    await api.start(deleted.session, "silent")
    await api.ended(deleted.session)
    async with connected(api.http, api.url) as it:
        await it.subscribe(closed)
        await it.subscribe(deleted, until="forever")
        await it.subscribe(stays)
        await api.start(closed.session, "silent")
        await api.call("DELETE", f"/api/sessions/{deleted.session}")
        await it.take_until(lambda: (closed.bye, deleted.bye) == ("closed", "deleted"))
        gone = await it.ask("subscribe", session=deleted.session, after=deleted.cursor)
        assert gone["type"] == "ok"
        it.quiet.discard(deleted.session)
        it.readers[deleted.session].bye = None
        await it.take_until(lambda: deleted.bye == "deleted")
        await it.subscribe(closed, until="forever")
        gate.let(1)
        await it.take_until(lambda: stays.offset == 2)
        await api.start(closed.session, "silent")
        await it.take_until(lambda: closed.offset == 4)
        assert [frame.kind for frame in it.own if frame.kind not in ("ok", "heartbeat")] == [
            "ready"
        ]
        assert (await it.ask("ping"))["type"] == "pong"
    gate.close()


async def test_a_stop_says_bye_to_each_and_to_the_connection(start_server: StartServer) -> None:
    """Each subscription hears `restart` with its cursor, then the connection, then comes 1012."""
    server = start_server()
    readers = [Reader(fresh()) for _ in range(3)]
    async with Api(server.url) as api, connected(api.http, api.url) as it:
        for reader in readers:
            await it.subscribe(reader)
        await api.start(readers[0].session, "listens")
        await it.take_until(lambda: readers[0].offset == 2)
        server.terminate()
        while await it.take():
            assert it.own[-1].kind != "bye" or all(reader.bye for reader in readers)
        bye = it.own[-1].body
        assert [reader.bye for reader in readers][1:] == ["restart", "restart"]
        assert readers[0].bye in ("restart", "closed")
        assert (bye["type"], bye["reason"], bye["reconnect"]) == ("bye", "restart", True)
        assert bye["after_ms"] >= 0
        assert it.wire.close_code == 1012
    assert await asyncio.to_thread(server.wait) == 0


async def test_rotation_is_of_the_connection(start_server: StartServer) -> None:
    """`ROTATE_SECONDS` is the connection's age: all of it is asked to come again at once."""
    server = start_server(ROTATE_SECONDS=0.5, HEARTBEAT_SECONDS=0.2)
    readers = [Reader(fresh()) for _ in range(2)]
    async with Api(server.url) as api, connected(api.http, api.url) as it:
        for reader in readers:
            await it.subscribe(reader)
        while await it.take():
            pass
        assert [reader.bye for reader in readers] == ["rotate", "rotate"]
        assert it.own[-1].body == {
            "type": "bye", "reason": "rotate", "reconnect": True, "after_ms": 0,
        }  # fmt: skip
        assert it.wire.close_code == 1012


async def test_an_idle_connection_is_seen_to_live(api: Api) -> None:
    """Without subscriptions it beats by itself; with one it leaves that to the subscription."""
    async with connected(api.http, api.url) as it:
        await it.take_until(lambda: len(it.own) == 3)
        assert [frame.kind for frame in it.own] == ["ready", "heartbeat", "heartbeat"]
        ready = it.own[0].body
        assert set(ready) == {"type", "protocol", "heartbeat", "time"}
        assert (ready["protocol"], ready["heartbeat"]) == (1, 0.5)
        assert set(it.own[1].body) == {"type", "time"}
        reader = Reader(fresh())
        await it.subscribe(reader)
        await it.take_until(lambda: reader.heartbeats == 3)
        assert [frame.kind for frame in it.own[3:]] in (["ok"], ["heartbeat", "ok"])


async def test_logs_and_figures_count_subscriptions(start_server: StartServer) -> None:
    """Each subscription has its two lines in the log, and counts as a reader of `ws`."""
    server = start_server()
    readers = [Reader(fresh()) for _ in range(2)]
    async with Api(server.url) as api:
        async with connected(api.http, api.url) as it:
            for reader in readers:
                await it.subscribe(reader)
            await it.take_until(lambda: all(reader.epoch for reader in readers))
            metrics = (await api.call("GET", "/metrics")).body.decode()
            assert 'keepstream_subscribers{transport="ws"} 2.0' in metrics
            await api.start(readers[0].session, "silent")
            await it.take_until(lambda: readers[0].bye == "closed")
        for reader, reason, sent in zip(readers, ("closed", "gone"), (2, 0), strict=True):
            named = {"session": reader.session, "transport": "ws"}
            server.wait_for_log("Subscriber connected", **named)
            server.wait_for_log("Subscriber disconnected", reason=reason, sent=sent, **named)


# -- what a client says


async def test_commands_reach_the_sessions_that_are_followed(api: Api) -> None:
    """`cancel` and `input` work for runs of followed sessions, and for no others."""
    asking, listening, foreign = [Reader(fresh()) for _ in range(3)]
    asks = (await api.start(asking.session, "asks"))["id"]
    request = (await api.reached(asking.session, "input_request"))["data"]["request"]
    runs = [(await api.start(each.session, "listens"))["id"] for each in (listening, foreign)]
    async with connected(api.http, api.url) as it:
        for reader in (asking, listening):
            await it.subscribe(reader)
        given = {"run": asks, "request": request}
        assert (await it.ask("input", value="many", **given))["type"] == "refused"
        assert (await it.ask("cancel", run=runs[1]))["type"] == "refused"
        await it.unsubscribe(listening)
        assert (await it.ask("cancel", run=runs[0]))["type"] == "refused"
        await it.subscribe(listening)
        assert (await it.ask("cancel", run=runs[0]))["type"] == "ok"
        assert (await it.ask("input", value=3, **given))["type"] == "ok"
        await it.take_until(lambda: (asking.bye, listening.bye) == ("closed", "closed"))
    assert json.loads(asking.events[-1])["data"]["result"] == 3
    assert json.loads(listening.events[-1])["type"] == "cancelled"
    assert (await api.session(foreign.session))["state"] == "running"
    await api.call("POST", f"/api/runs/{runs[1]}/cancel")
    await api.ended(foreign.session)


REFUSED: list[dict[str, object]] = [
    {"session": "no such id!"}, {"session": 7}, {"session": None}, {"session": ""},
    {"after": "garbage"}, {"after": 5}, {"after": "abcd--1"}, {"types": "tick"},
    {"types": ["NO"]}, {"types": ["a,b"]}, {"types": [""]}, {"until": "tomorrow"}, {"id": None},
]  # fmt: skip


@pytest.mark.parametrize("wrong", REFUSED, ids=str)
async def test_what_makes_no_sense_is_refused(api: Api, wrong: dict[str, object]) -> None:
    """A bad id, cursor, type or word is refused to who asked, and everything else stays."""
    reader = Reader(fresh())
    async with connected(api.http, api.url) as it:
        await it.subscribe(reader)
        asked: dict[str, object] = {"type": "subscribe", "id": "x", "session": fresh(), **wrong}
        await it.wire.send_json(asked)
        await it.take_until(lambda: it.own[-1].kind == "refused")
        assert it.own[-1].body["to"] == asked["id"]
        assert it.own[-1].body["message"]
        await it.wire.send_json({**asked, "type": "unsubscribe", "id": "y"})
        await it.take_until(lambda: it.own[-1].body.get("to") == "y")
        assert (it.own[-1].kind == "refused") == ("session" in wrong)
        await api.start(reader.session, "silent")
        await it.take_until(lambda: reader.bye == "closed")


@pytest.mark.parametrize("text", ["hello", "{}", "[]", '{"type":"fly","id":"x"}', "[" * 5000])
async def test_what_is_not_understood_is_refused(api: Api, text: str) -> None:
    """The refusal names what may be said; the connection stays."""
    async with connected(api.http, api.url) as it:
        await it.wire.send_str(text)
        await it.take_until(lambda: it.own and it.own[-1].kind == "refused")
        assert "subscribe, unsubscribe, cancel, input and ping" in it.own[-1].body["message"]
        await it.wire.send_bytes(b"\x00")
        await it.take_until(lambda: it.own[-1].body.get("message", "").startswith("only text"))
        assert (await it.ask("ping"))["type"] == "pong"


async def test_twice_is_refused(api: Api) -> None:
    """A session is followed once on a connection; asked for again it goes on as it was."""
    reader = Reader(fresh())
    async with connected(api.http, api.url) as it:
        await it.subscribe(reader)
        again = await it.ask("subscribe", session=reader.session)
        assert (again["type"], "unsubscribe" in again["message"]) == ("refused", True)
        await api.start(reader.session, "count", n=20)
        await it.take_until(lambda: reader.bye == "closed")
    assert reader.events == await api.history(reader.session)


async def test_so_many_and_no_more(start_server: StartServer) -> None:
    """Past the limit a subscription is refused with what to do, until another one has ended."""
    server = start_server()
    async with Api(server.url) as api, connected(api.http, api.url) as it:
        readers = [Reader(fresh()) for _ in range(MAX_SUBSCRIPTIONS)]
        for reader in readers:
            await it.subscribe(reader)
        more = await it.ask("subscribe", session=fresh())
        assert (more["type"], str(MAX_SUBSCRIPTIONS) in more["message"]) == ("refused", True)
        assert "another connection" in more["message"]
        await it.unsubscribe(readers[0])
        await it.subscribe(Reader(fresh()))
        await api.start(readers[-1].session, "silent")
        await it.take_until(lambda: readers[-1].bye == "closed")


async def test_what_closes_the_connection(api: Api) -> None:
    """A query that means nothing, and a message over 64 KiB, close it with 4400."""
    async with api.http.ws_connect(f"{api.url}/api/ws?frames=words") as wire:
        assert (await wire.receive(timeout=PATIENCE)).type is aiohttp.WSMsgType.CLOSE
        assert wire.close_code == 4400
    async with connected(api.http, api.url) as it:
        await it.wire.send_str('{"type":"ping","id":"' + "x" * (1 << 16) + '"}')
        while await it.take():
            pass
        assert it.wire.close_code == 4400


# -- nobody is another's burden


async def test_a_long_catch_up_starves_nobody(start_server: StartServer, gate: Gate) -> None:
    """While megabytes of one session are read slowly, another's live events come among them."""
    server = start_server()
    long, live = Reader(fresh()), Reader(fresh())
    events, size = 10_000, 2_000
    async with Api(server.url) as api:
        await api.start(long.session, "chatty", n=events, size=size)
        await api.ended(long.session)
        await api.start(live.session, "gated", gate=gate.path)
        connector = aiohttp.TCPConnector(socket_factory=_narrow)
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            connected(http, api.url) as it,
        ):
            await it.subscribe(live)
            await it.subscribe(long)
            for expected in range(2, 10):
                gate.let(1)
                # The event is there before anything more is read: nothing here depends on time.
                while (await api.session(live.session))["last"] < expected:
                    await asyncio.sleep(0.005)
                before = long.offset
                await it.take_to(live, expected)
                assert (long.offset - before) * size < 1_000_000
            assert long.bye is None
            gate.close()
            await it.take_until(lambda: (live.bye, long.bye) == ("closed", "closed"))
        for reader in (live, long):
            assert reader.digest == digest(await api.history(reader.session))


def _narrow(address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(address[0], address[1], address[2])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    made.setblocking(False)
    return made


def _read(peer: socket.socket, size: int) -> None:
    while size > 0:
        size -= len(peer.recv(1 << 16))


async def test_a_reader_that_does_not_read_costs_no_memory(start_server: StartServer) -> None:
    """However many subscriptions wait for one socket, they cost no more than a few events."""
    server = start_server()
    sessions, connections, size = [fresh() for _ in range(40)], 8, 900_000
    async with Api(server.url) as api:
        await api.start(warm := fresh(), "big", size=size)
        await follow(Reader(warm), api.http, api.url, many)
        with contextlib.ExitStack() as stack:
            for session in sessions:
                await api.call("POST", "/api/sessions", {"id": session})
            peers = [
                stack.enter_context(deaf(server.port, sessions, "many")) for _ in range(connections)
            ]
            for session in sessions:
                while (await api.session(session))["subscribers"] < connections:
                    await asyncio.sleep(0.01)
            before = resident(server.pid)
            for session in sessions:
                await api.start(session, "big", size=size)
            for session in sessions:
                await api.ended(session)
            for peer in peers:  # a little is read: whoever waited for room tries at once
                await asyncio.to_thread(_read, peer, size)
            reader = Reader(fresh())
            following = asyncio.create_task(follow(reader, api.http, api.url, websocket))
            await api.start(reader.session, "chatty", n=5_000, size=1_000)
            await following
            grown = resident(server.pid) - before
        assert reader.digest == digest(await api.history(reader.session))
        # An event of each session for each connection would be three times as much.
        assert grown < connections * len(sessions) * size / 3, f"{grown / 1e6:.0f} MB more"

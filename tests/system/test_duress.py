"""A server whose disk is full, fails or is slow: seen from outside, by users and operators."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from server.web.openapi import document
from tests.disks import faulty, fill, needs_root, needs_strace, small_disk
from tests.system.api import Api, fresh
from tests.system.gate import Gate
from tests.system.patience import PATIENCE
from tests.system.processes import Server, StartServer
from tests.system.readers import Reader, digest, follow, listen
from tests.system.transports import TRANSPORTS, websocket


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    with small_disk(tmp_path / "disk") as at:
        yield at


async def ready(api: Api, *, wanted: bool) -> list[str]:
    """Wait until the server says that it is ready, or that it is not; its reasons."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await api.call("GET", "/health/ready")
            assert (answer.status == 200) == answer.json["ready"]
            if answer.json["ready"] == wanted:
                return list(answer.json["reasons"])
            await asyncio.sleep(0.02)


async def refuses(start: Callable[[], Awaitable[int]]) -> None:
    """Wait until the store refuses new runs."""
    async with asyncio.timeout(PATIENCE):
        while await start() != 503:
            await asyncio.sleep(0.02)


def terminals(events: list[dict[str, object]]) -> list[object]:
    """The terminal events' types."""
    return [e["type"] for e in events if e["type"] in {"complete", "error", "cancelled"}]


@needs_root
async def test_full_disk(disk: Path, start_server: StartServer, tmp_path: Path) -> None:
    """Runs are held back, ends are kept, readers served; with room it goes on by itself, whole."""
    server = start_server(disk)
    with Gate(tmp_path / "one") as gate, Gate(tmp_path / "two") as other:
        held, stopped, over = fresh("held"), fresh("stopped"), fresh("over")
        async with Api(server.url) as api:
            await api.start(held, "count", n=400, delay=0.01)
            run = await api.start(stopped, "gated", gate=gate.path)
            await api.start(over, "gated", gate=other.path)
            for session in (held, stopped, over):
                gate.let(1)
                other.let(1)
                await api.reached(session, "tick")
            filler = fill(disk)
            (reason,) = await ready(api, wanted=False)
            assert "full: free some space" in reason
            refused = await api.call("POST", "/api/runs", {"workflow": "silent"})
            assert (refused.status, refused.code) == (503, "store_unavailable")
            asked = await api.call("POST", f"/api/runs/{run['id']}/cancel")
            assert asked.status == 202
            other.let(3)
            other.close()
            assert (await api.ended(stopped))[-1]["type"] == "cancelled"
            assert [e["type"] for e in await api.ended(over)][-4:] == [*["tick"] * 3, "complete"]
            reader = Reader(over)
            await follow(reader, api.http, api.url, *TRANSPORTS)
            assert reader.digest == digest(await api.history(over))
            assert not terminals(await api.events(held))
            filler.unlink()
            await ready(api, wanted=True)
            events = await api.ended(held)
            ticks = [event["data"]["i"] for event in events if event["type"] == "tick"]
            assert ticks == list(range(1, 401))
            for session in (held, stopped, over):
                assert len(terminals(await api.events(session))) == 1
            await api.start(fresh(), "silent")
        lines = [line["event"] for line in server.log_lines()]
        assert lines.count("The store has no room: runs are held back, new ones refused") == 1
        assert lines.count("The store takes events again") == 1


@needs_strace
@pytest.mark.parametrize("fault", ["fdatasync:error=EIO", "pwrite64:error=EIO"])
@pytest.mark.parametrize("then", ["mended", "killed"])
async def test_failing_disk(start_server: StartServer, fault: str, then: str) -> None:
    """What was refused is not there afterwards, and what was acknowledged is, once."""
    server = start_server()
    busy, quiet = fresh("busy"), fresh("quiet")
    tried: list[str] = []

    async def start() -> int:
        tried.append(fresh("tried"))
        path = f"/api/sessions/{tried[-1]}/runs"
        return (await api.call("POST", path, {"workflow": "silent"})).status

    async with Api(server.url) as api:
        await api.start(quiet, "count", n=5)
        before = (await api.ended(quiet), await api.history(quiet))[1]
        await api.start(busy, "count", n=300, delay=0.01)
        reader = Reader(busy)
        await listen(reader, api.http, api.url, websocket, events=20)
        with faulty(server.pid, fault):
            await refuses(start)
            assert "check the disk" in (await ready(api, wanted=False))[0]
            assert await start() == 503
            assert await api.history(quiet) == before
            if then == "killed":
                server.kill()
                server.wait()
        if then == "mended":
            await ready(api, wanted=True)
    if then == "killed":
        server = start_server(server.data_dir)
    async with Api(server.url) as api:
        await ready(api, wanted=True)
        events = await api.ended(busy)
        await follow(reader, api.http, api.url, websocket)
        assert reader.digest == digest(await api.history(busy))
        assert not reader.resets
        ticks = [event["data"]["i"] for event in events if event["type"] == "tick"]
        assert ticks == list(range(1, 301))
        assert terminals(events) == ["complete"]
        for session in tried[-2:]:
            runs = await api.call("GET", f"/api/sessions/{session}/runs")
            assert runs.status == 404 or not runs.json["runs"]
        assert await api.history(quiet) == before
    if then == "mended":
        lines = [line["event"] for line in server.log_lines()]
        begun = "The store fails: nothing is acknowledged until it has proved"
        assert lines.count(begun) == lines.count("The store takes events again") == 1


@needs_strace
async def test_slow_disk(start_server: StartServer) -> None:
    """A sync that takes a second holds up those who wait for it, and nobody else."""
    server = start_server()
    async with Api(server.url) as api:
        session = fresh()
        await api.start(session, "count", n=5)
        await api.ended(session)
        with faulty(server.pid, "fdatasync:delay_enter=1s"):
            starting = asyncio.create_task(api.call("POST", "/api/runs", {"workflow": "silent"}))
            answers = 0
            while not starting.done():
                assert (await api.call("GET", "/health/live")).status == 200
                assert await api.history(session)
                answers += 1
            assert answers > 20
            assert starting.result().status == 202


@pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda t: t.__name__)
async def test_damaged_session(start_server: StartServer, transport: Callable[..., object]) -> None:
    """Its readers are told and get the rest, the others' notice nothing, health names it."""
    server = start_server()
    whole, damaged = fresh("whole"), fresh("damaged")
    async with Api(server.url) as api:
        for session in (whole, damaged):
            await api.start(session, "chatty", n=1600, size=3000)
            await api.ended(session)
        history = {session: await api.history(session) for session in (whole, damaged)}
    server.terminate()
    server.wait()
    _flip(server, history[damaged][20])
    async with Api(start_server(server.data_dir).url) as api:
        reader = Reader(damaged)
        await follow(reader, api.http, api.url, transport)  # type: ignore[arg-type]
        assert reader.resets == ["damaged"]
        rest = len(reader.events)
        assert 0 < rest < len(history[damaged])
        assert reader.events == history[damaged][-rest:]
        sound = Reader(whole)
        await follow(sound, api.http, api.url, transport)  # type: ignore[arg-type]
        assert (sound.events, sound.resets) == (history[whole], [])
        answer = await api.call("GET", "/health/ready")
        (named,) = answer.json["damaged"]
        assert answer.status == 200
        assert named["session"] == damaged
        assert named["first"] <= 21 <= named["last"] == len(history[damaged]) - rest
        pages = Draft202012Validator({**document(), "$ref": "#/components/schemas/Page"})
        page = await api.call("GET", f"/api/sessions/{damaged}/events")
        assert page.json["reset"] == "damaged"
        pages.validate(page.json)


def _flip(server: Server, line: bytes) -> None:
    path = server.data_dir / "keepstream.db"
    content = path.read_bytes()
    part = line[60:400]  # an event may also lie, from before, in a page that is free
    path.write_bytes(content.replace(part, part[:200] + b"?" + part[201:]))

"""What a client may say over its WebSocket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.system.api import Api, fresh
from tests.system.patience import PATIENCE


class Talk:
    """A WebSocket that one talks over; events are put aside while an answer is awaited."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def answer(self) -> dict[str, Any]:
        """Return the next frame that answers something."""
        while True:
            frame = await self.socket.receive_json(timeout=PATIENCE)
            if frame.get("type") in ("ok", "pong", "refused") and "offset" not in frame:
                return dict(frame)
            self.events.append(frame)

    async def ask(self, **command: object) -> dict[str, Any]:
        """Send a command and return its answer."""
        await self.socket.send_json(command)
        return await self.answer()


@asynccontextmanager
async def talk(api: Api, session: str) -> AsyncIterator[Talk]:
    """Attach to a session over a WebSocket."""
    async with api.http.ws_connect(f"{api.url}/api/sessions/{session}/ws") as socket:
        yield Talk(socket)


async def test_ping(api: Api) -> None:
    """A ping is answered by its id."""
    async with talk(api, fresh()) as client:
        assert await client.ask(type="ping", id="p1") == {"type": "pong", "to": "p1"}


async def test_cancel(api: Api) -> None:
    """A run can be cancelled by whoever watches it."""
    session = fresh()
    run = await api.start(session, "listens")
    async with talk(api, session) as client:
        answer = await client.ask(type="cancel", id=7, run=run["id"])
        assert (answer["type"], answer["to"]) == ("ok", 7)
    assert (await api.ended(session))[-1]["type"] == "cancelled"


async def test_input(api: Api) -> None:
    """A workflow can be answered by whoever watches it; a bad answer is refused."""
    session = fresh()
    run = await api.start(session, "asks")
    request = (await api.reached(session, "input_request"))["data"]["request"]
    async with talk(api, session) as client:
        given = {"type": "input", "run": run["id"], "request": request}
        bad = await client.ask(id="a", value="many", **given)
        assert (bad["type"], bad["to"], bool(bad["message"])) == ("refused", "a", True)
        good = await client.ask(id="b", value=3, **given)
        assert (good["type"], good["to"]) == ("ok", "b")
    assert (await api.ended(session))[-1]["data"]["result"] == 3


async def test_run_of_another_session_is_refused(api: Api) -> None:
    """A session's socket has no power over another session's run."""
    session = fresh()
    run = await api.start(session, "asks")
    request = (await api.reached(session, "input_request"))["data"]["request"]
    async with talk(api, fresh()) as client:
        cancel = await client.ask(type="cancel", id=1, run=run["id"])
        given = await client.ask(type="input", id=2, run=run["id"], request=request, value=1)
    assert [cancel["type"], given["type"]] == ["refused", "refused"]
    assert (await api.session(session))["state"] == "running"
    await api.call("POST", f"/api/runs/{run['id']}/cancel")
    await api.ended(session)


@pytest.mark.parametrize(
    "text",
    [
        "hello", "", "{", "[]", "null", "1", "{}", '{"type":"fly","id":"x"}', '{"type":3}',
        '{"type":"cancel"}', '{"type":"cancel","id":"c","run":3}', '{"type":"input","id":"i"}',
        '{"type":"cancel","id":"c","run":"r_none"}', "[" * 5000, '{"id":"x"}',
    ],
)  # fmt: skip
async def test_what_is_not_understood_is_refused(api: Api, text: str) -> None:
    """What makes no sense is refused with a message, and the connection stays."""
    async with talk(api, fresh()) as client:
        await client.socket.send_str(text)
        answer = await client.answer()
        assert (answer["type"], bool(answer["message"])) == ("refused", True)
        assert "to" in answer
        assert (await client.ask(type="ping", id=1))["type"] == "pong"


async def test_binary_frame_is_refused(api: Api) -> None:
    """A binary frame isn't understood either."""
    async with talk(api, fresh()) as client:
        await client.socket.send_bytes(b"\x00\x01")
        assert (await client.answer())["type"] == "refused"
        assert (await client.ask(type="ping", id=1))["type"] == "pong"


async def test_frame_over_64_kib(api: Api) -> None:
    """A frame up to 64 KiB is read, a longer one closes the connection with 4400."""
    async with talk(api, fresh()) as client:
        padding = "x" * 65_000
        assert (await client.ask(type="ping", id="fits", padding=padding))["to"] == "fits"
        await client.socket.send_str('{"type":"ping","id":"' + "x" * (1 << 16) + '"}')
        while (await client.socket.receive(timeout=PATIENCE)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert client.socket.close_code == 4400

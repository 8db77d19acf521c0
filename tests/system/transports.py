"""Small real clients of the transports: each yields what came, until the connection ends.

Every one of them takes (client, url of the server, session, cursor or None, and the query of
the HTTP API as keywords), ends after a `bye`, and raises Cut, Refused or aiohttp's own errors.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
import msgspec

from tests.system.api import Page
from tests.system.frames import (
    Cut,
    EventStream,
    Frame,
    Refused,
    addressed_frames,
    websocket_frames,
)
from tests.system.patience import PATIENCE

CLOSE_CODES = {
    "closed": (1000,), "restart": (1012,), "rotate": (1012,), "overloaded": (1013,),
    "revoked": (4401, 4403), "slow": (4408,), "deleted": (4410,),
}  # fmt: skip
ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE)


class Transport(Protocol):
    """One way to follow a session: the frames of one connection."""

    __name__: str

    def __call__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        session: str,
        after: str | None = None,
        *,
        silence: float = PATIENCE,
        **query: Any,
    ) -> AsyncGenerator[Frame, None]:
        """Yield the frames of one connection."""


async def websocket(
    http: aiohttp.ClientSession,
    url: str,
    session: str,
    after: str | None = None,
    *,
    silence: float = PATIENCE,
    **query: Any,
) -> AsyncGenerator[Frame, None]:
    """Follow over a WebSocket; the close code must be the one of the `bye`.

    With `frames="arrays"` in the query the events come in arrays, and are yielded one by one.
    """
    bye: Frame | None = None
    address = _address(url, session, "ws", after, query)
    async with asyncio.timeout(silence):
        socket = await http.ws_connect(address, max_msg_size=0, timeout=_closing(silence))
    async with socket:
        assert socket.compress == 0, "compression was negotiated"
        while True:
            async with asyncio.timeout(silence):
                message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            assert bye is None, f"after the bye came {message.data}"
            for frame in websocket_frames(message.data, arrays=query.get("frames") == "arrays"):
                bye = frame if frame.kind == "bye" else None
                yield frame
    _check_close(bye, socket.close_code)


def _check_close(bye: Frame | None, code: int | None) -> None:
    if code is None or code == 1006:
        raise Cut(f"close code {code}")
    if bye is None:
        raise Refused(code)
    assert code in CLOSE_CODES[bye.body["reason"]], f"{bye.body} was closed with {code}"


async def many(
    http: aiohttp.ClientSession,
    url: str,
    session: str,
    after: str | None = None,
    *,
    silence: float = PATIENCE,
    frames: str = "events",
    types: str = "",
    **query: Any,
) -> AsyncGenerator[Frame, None]:
    """Follow as one of the sessions on a WebSocket of many: here it is the only one.

    What is refused is refused by an answer: its code is 400, as HTTP would have it.
    """
    asked = {"type": "subscribe", "id": "it", "session": session, "after": after, **query}
    bye: Frame | None = None
    async with asyncio.timeout(silence):
        socket = await http.ws_connect(
            f"{url}/api/ws?frames={frames}", max_msg_size=0, timeout=_closing(silence)
        )
        await socket.send_json(asked | ({"types": types.split(",")} if types else {}))
    async with socket:
        while True:
            async with asyncio.timeout(silence):
                message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            for of, frame in addressed_frames(message.data, arrays=frames == "arrays"):
                if of is not None:
                    assert (of, bye) == (session, None), f"after {bye} came {message.data}"
                    yield frame
                    if frame.kind == "bye":
                        bye = frame
                        await socket.send_json({"type": "unsubscribe", "id": "end", "session": of})
                elif frame.kind == "refused":
                    raise Refused(400, frame.body["message"])
                elif frame.body.get("to") == "end":
                    return
    if bye is None:
        raise Cut(f"close code {socket.close_code}")
    if socket.close_code not in (None, 1006):
        _check_close(bye, socket.close_code)


async def event_stream(
    http: aiohttp.ClientSession,
    url: str,
    session: str,
    after: str | None = None,
    *,
    silence: float = PATIENCE,
    header: bool = True,
    **query: Any,
) -> AsyncGenerator[Frame, None]:
    """Follow over server-sent events; the cursor goes as `Last-Event-ID`, or in the query."""
    headers = {"Last-Event-ID": after} if after and header else {}
    address = _address(url, session, "sse", None if header else after, query)
    parser, bye = EventStream(), False
    async with asyncio.timeout(silence):
        answer = await http.get(address, headers=headers, timeout=ENDLESS)
    async with answer:
        if answer.status != 200:
            raise Refused(answer.status, await answer.text())
        _check_stream_headers(answer.headers)
        while chunk := await asyncio.wait_for(answer.content.readany(), silence):
            for frame in parser.feed(chunk):
                assert not bye, f"after the bye came {frame}"
                bye = frame.kind == "bye"
                yield frame
    if not bye:
        raise Cut("the event stream ended without a bye")


def _check_stream_headers(headers: Mapping[str, str]) -> None:
    assert headers["Content-Type"] == "text/event-stream", headers
    assert headers["Cache-Control"] == "no-cache, no-transform", headers
    assert "Content-Encoding" not in headers, headers


async def long_poll(
    http: aiohttp.ClientSession,
    url: str,
    session: str,
    after: str | None = None,
    *,
    silence: float = PATIENCE,
    limit: int = 1000,
    **query: Any,
) -> AsyncGenerator[Frame, None]:
    """Follow by long polls. Each page begins with a made-up `page` and ends with a `next`; a `bye`
    is made up at the end of a closed session.
    """
    wait = min(10, round(silence / 2, 3))
    while True:
        address = _address(url, session, "events", after, {"wait": wait, "limit": limit, **query})
        async with asyncio.timeout(silence), http.get(address, timeout=ENDLESS) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise Refused(answer.status, body.decode())
        page = msgspec.json.decode(body, type=Page)
        after = page.next
        yield Frame("page", b"", {"type": "page", "epoch": page.epoch})
        if page.reset:
            yield _reset(page)
        for raw in page.events:
            yield Frame("event", raw, json.loads(raw))
        yield Frame("next", b"", {"type": "next", "cursor": after})
        if page.state == "closed" and after == f"{page.epoch}-{page.last}":
            yield Frame("bye", b"", {"reason": "closed", "reconnect": False, "cursor": after})
            return


def _reset(page: Page) -> Frame:
    """Return a page's reset as the frame that the other transports send."""
    reason = page.reset["reason"] if isinstance(page.reset, dict) else page.reset
    body = {"type": "reset", "reason": reason, "epoch": page.epoch, "first": page.first}
    return Frame("reset", b"", {**body, "last": page.last})


def _address(
    url: str, session: str, what: str, after: str | None, query: Mapping[str, object]
) -> str:
    asked = urlencode({**({"after": after} if after is not None else {}), **query})
    return f"{url}/api/sessions/{session}/{what}" + (f"?{asked}" if asked else "")


def _closing(seconds: float) -> aiohttp.ClientWSTimeout:
    return aiohttp.ClientWSTimeout(ws_receive=None, ws_close=min(seconds, 5.0))


STREAMING: tuple[Transport, ...] = (websocket, event_stream, many)
TRANSPORTS: tuple[Transport, ...] = (*STREAMING, long_poll)

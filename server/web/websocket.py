"""A session over WebSocket: ``docs/protocol.md``, "WebSocket".

Every refusal but those of :mod:`server.web.guard` comes after the upgrade, as a close code: a
browser shows a page nothing of an HTTP answer that refuses one.
"""

import asyncio
import struct
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from server.errors import (
    AtCapacity,
    BadRequest,
    KeepstreamError,
    NotFound,
    ShuttingDown,
    StoreUnavailable,
)
from server.events import Event, check_id, encode_json
from server.sessions.admission import Admission
from server.sessions.opening import Wish
from server.sessions.subscription import Bye, Reason, Subscription
from server.web.answers import UNREADABLE
from server.web.keys import ADMISSION, HUB
from server.web.sink import SocketSink

log = structlog.get_logger()

#: What one frame of a client may hold, in bytes.
MAX_FRAME = 64 * 1024
#: Seconds that a client has to answer a close frame.
CLOSE_SECONDS = 2.0

BAD_REQUEST = 4400
CLOSE_CODES: dict[Reason, int] = {
    "closed": 1000,
    "restart": 1012,
    "rotate": 1012,
    "overloaded": 1013,
    "revoked": 4403,
    "slow": 4408,
    "deleted": 4410,
}


class WebSocketEncoding:
    """One unmasked text frame (RFC 6455, section 5.2) for each event and each control frame."""

    def events(self, _epoch: str, events: Sequence[Event]) -> bytes:
        """All of ``events`` as the bytes of one write."""
        if len(events) == 1:
            return frame(events[0].line)
        return b"".join([frame(event.line) for event in events])

    def control(self, control: dict[str, Any]) -> bytes:
        """A control frame as a frame."""
        return frame(encode_json(control))


class ArrayEncoding(WebSocketEncoding):
    """The same, with events that are sent at once in one frame, as an array.

    Who asks for it spares a browser the work for a message, which is more than all that is done
    with an event: ``make bench-frames``.
    """

    def events(self, _epoch: str, events: Sequence[Event]) -> bytes:
        """All of ``events`` as one array, one event too."""
        return frame(b"[%b]" % b",".join([event.line for event in events]))


def frame(payload: bytes) -> bytes:
    """``payload`` as one final, unmasked text frame."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


ENCODING = WebSocketEncoding()
#: By the query's ``frames``.
ENCODINGS = {"events": ENCODING, "arrays": ArrayEncoding()}


class Socket(web.WebSocketResponse):
    """aiohttp's, with the contract's code for a frame that is too large."""

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True
    ) -> bool:
        """Close with ``code``; 4400 stands for 1009."""
        too_big = code == WSCloseCode.MESSAGE_TOO_BIG
        return await super().close(
            code=BAD_REQUEST if too_big else code, message=message, drain=drain
        )


async def websocket(request: web.Request) -> web.StreamResponse:
    """``GET /api/sessions/{session}/ws?after&types&until&frames``."""
    socket = Socket(compress=False, max_msg_size=MAX_FRAME, timeout=CLOSE_SECONDS)
    writer = await socket.prepare(request)
    assert writer is not None
    try:
        encoding = _encoding(request.query.get("frames", "events"))
        sink = SocketSink("ws", encoding, request.transport, writer.drain)
        bye = await _serve(request, socket, sink)
        if bye.reason != "gone":
            await socket.close(code=CLOSE_CODES[bye.reason], message=bye.reason.encode())
    except BadRequest as error:
        await socket.close(code=BAD_REQUEST, message=_reason(error))
    except ConnectionError:
        pass  # the reader left: its place in the log is its own to keep
    except Exception:
        # The upgrade was answered: an HTTP answer now would be bytes that no client can read.
        log.exception("A subscription failed", path=request.path)
        await socket.close(code=WSCloseCode.INTERNAL_ERROR)
    return socket


def _encoding(frames: str) -> WebSocketEncoding:
    if (encoding := ENCODINGS.get(frames)) is None:
        raise BadRequest("frames must be 'events' or 'arrays'", path="frames")
    return encoding


async def _serve(request: web.Request, socket: Socket, sink: SocketSink) -> Bye:
    query, hub = request.query, request.app[HUB]
    name = check_id(request.match_info["session"], "session")
    wish = Wish.parse(query.get("after", ""), query.get("types", ""), query.get("until", "run"))
    try:
        async with hub.hold(name, create=not wish.continues) as session:
            opening = session.open(wish)
            reader = Subscription(session, sink, opening, hub.settings.heartbeat_seconds)
            with session.reading(reader):
                ears = asyncio.create_task(_listen(socket, reader, request.app[ADMISSION]))
                try:
                    return await reader.follow(session.audience.go_live)
                finally:
                    ears.cancel()
                    await asyncio.wait([ears])
    except NotFound:
        return _refuse(sink, Bye("deleted"), str(wish.after))
    except (AtCapacity, ShuttingDown, StoreUnavailable) as error:
        after_ms = 1000 * (error.retry_after or 1)
        return _refuse(sink, Bye("overloaded", after_ms), str(wish.after or ""))


def _refuse(sink: SocketSink, bye: Bye, cursor: str) -> Bye:
    sink.write(ENCODING.control(bye.frame(cursor)))
    return bye


def _reason(error: KeepstreamError) -> bytes:
    return error.message.encode()[:120].decode(errors="ignore").encode()  # a close frame holds 123


# -- what clients say


class Cancel(msgspec.Struct, tag_field="type", tag="cancel"):
    """Stop a run of this session."""

    id: str | int
    run: str


class Input(msgspec.Struct, tag_field="type", tag="input"):
    """Answer a run's question."""

    id: str | int
    run: str
    request: str
    value: Any


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    """Ask whether anybody is there."""

    id: str | int


decode = msgspec.json.Decoder(Cancel | Input | Ping).decode


async def _listen(socket: Socket, reader: Subscription, admission: Admission) -> None:
    async for message in socket:
        answer = await _answer(message, reader, admission)
        reader.sink.write(ENCODING.control(answer))
        await reader.sink.drain()  # who asks without reading waits, instead of filling memory
    reader.end(Bye("gone"))


async def _answer(message: WSMessage, reader: Subscription, admission: Admission) -> dict[str, Any]:
    if message.type is not WSMsgType.TEXT:
        return {"type": "refused", "to": None, "message": "only text frames are understood"}
    try:
        said = decode(message.data)
    except UNREADABLE as error:
        text = f"not understood: {error}; a client may send cancel, input and ping"
        return {"type": "refused", "to": _id_of(message.data), "message": text}
    if isinstance(said, Ping):
        return {"type": "pong", "to": said.id}
    try:
        await _obey(said, reader, admission)
    except KeepstreamError as error:
        return {"type": "refused", "to": said.id, "message": error.message}
    return {"type": "ok", "to": said.id}


async def _obey(said: Cancel | Input, reader: Subscription, admission: Admission) -> None:
    run = await admission.record(check_id(said.run, "run"))
    if run.session != reader.session.id:
        raise NotFound(f"run {run.id} is not of this session")
    if isinstance(said, Cancel):
        await admission.cancel(run.id)
    else:
        await admission.answer(run.id, said.request, said.value)


def _id_of(text: str) -> str | int | None:
    try:
        found = msgspec.json.decode(text)
    except UNREADABLE:
        return None
    said = found.get("id") if isinstance(found, dict) else None
    return said if isinstance(said, str | int) and not isinstance(said, bool) else None

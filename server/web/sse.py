"""A session as server-sent events: ``docs/protocol.md``, "Server-sent events".

Source: the WHATWG HTML standard, "Server-sent events". Lines end in LF: parsers are in use that
split at a blank LF line only. aiohttp-sse gives the response its headers and its life; the records
are encoded here, once for all readers, where its ``send`` encodes for each.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11
from aiohttp_sse import EventSourceResponse

from server.errors import AtCapacity, NotFound, ShuttingDown
from server.events import Event, check_id, encode_json
from server.sessions.bye import Bye
from server.sessions.opening import Wish
from server.sessions.session import Session
from server.sessions.subscription import Subscription
from server.web import answers
from server.web.keys import HUB
from server.web.sink import SocketSink

log = structlog.get_logger()

#: Milliseconds after which a browser comes back; ``bye`` may say another time.
RETRY_MS = 1000
#: aiohttp-sse would send comments and judge peers by itself; both are the subscription's to do.
NEVER = 1e9


class EventStreamEncoding:
    """Records of an event stream, bare (HTTP/1.0) or as one chunk of HTTP/1.1 for each write."""

    def __init__(self, *, chunked: bool):
        self._chunked = chunked

    def events(self, epoch: str, events: Sequence[Event]) -> bytes:
        """All of ``events`` as the bytes of one write."""
        lead = epoch.encode()
        records = [b"id: %b-%d\ndata: %b\n\n" % (lead, e.offset, e.line) for e in events]
        return self.chunk(b"".join(records))

    def control(self, frame: dict[str, Any]) -> bytes:
        """A control frame as a named record, a heartbeat as a comment that moves the cursor."""
        return self.chunk(_record(frame))

    def chunk(self, data: bytes) -> bytes:
        """``data`` as it goes onto the connection (RFC 9112, section 7.1)."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data


def _record(frame: dict[str, Any]) -> bytes:
    kind = frame["type"]
    if kind == "heartbeat":
        return f": heartbeat\nid: {frame['cursor']}\n\n".encode()
    retry = f"retry: {frame['after_ms']}\n" if "after_ms" in frame else ""
    lead = f"{retry}event: {kind}\nid: {_cursor(frame)}\ndata: "
    return lead.encode() + encode_json(frame) + b"\n\n"


def _cursor(frame: dict[str, Any]) -> str:
    if frame["type"] == "reset":
        return f"{frame['epoch']}-{frame['first'] - 1}"
    return str(frame["after"] if frame["type"] == "ready" else frame["cursor"])


CHUNKED = EventStreamEncoding(chunked=True)
BARE = EventStreamEncoding(chunked=False)


async def sse(request: web.Request) -> web.StreamResponse:
    """``GET /api/sessions/{session}/sse?after&types&until``."""
    name = check_id(request.match_info["session"], "session")
    query, hub = answers.query(request), request.app[HUB]
    after = request.headers.get("Last-Event-ID") or query.get("after", "")
    wish = Wish.parse(after, query.get("types", ""), query.get("until", "run"))
    try:
        async with hub.hold(name, create=not wish.continues) as session:
            return await _stream(request, session, wish)
    except NotFound:
        return web.Response(status=204)  # an EventSource stops at 204, and at nothing else
    except (AtCapacity, ShuttingDown) as error:
        return await _turn_away(request, wish, 1000 * (error.retry_after or 1))


async def _stream(request: web.Request, session: Session, wish: Wish) -> web.StreamResponse:
    opening = session.open(wish)
    if opening.complete:
        return web.Response(status=204)
    async with _open(request) as (response, sink):
        reader = Subscription(session, sink, opening, request.app[HUB].settings.heartbeat_seconds)
        try:
            with reader:
                await reader.ended
        except ConnectionError:
            pass  # the reader left: its place in the log is its own to keep
        except Exception:
            # The headers are out: what can still be said is to come back.
            log.exception("A subscription failed", path=request.path)
            _say(sink, Bye("overloaded", RETRY_MS), reader.cursor)
    return response


async def _turn_away(request: web.Request, wish: Wish, after_ms: int) -> web.StreamResponse:
    # An EventSource never comes back from a 429 or a 503; it does from a stream that says when.
    async with _open(request) as (response, sink):
        _say(sink, Bye("overloaded", after_ms), str(wish.after or ""))
    return response


def _say(sink: SocketSink, bye: Bye, cursor: str) -> None:
    sink.write(sink.encoding.control(bye.frame(cursor)))


@asynccontextmanager
async def _open(request: web.Request) -> AsyncIterator[tuple[web.StreamResponse, SocketSink]]:
    response = EventSourceResponse(sep="\n", send_timeout=None, ping_interval=NEVER)
    response.headers[hdrs.CACHE_CONTROL] = "no-cache, no-transform"
    writer = await response.prepare(request)
    assert writer is not None
    encoding = CHUNKED if request.version >= HttpVersion11 else BARE
    sink = SocketSink("sse", encoding, request.transport, writer)
    sink.write(encoding.chunk(b"retry: %d\n\n" % RETRY_MS))
    async with response:
        yield response, sink

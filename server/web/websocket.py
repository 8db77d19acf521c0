"""A session over WebSocket: ``docs/protocol.md``, "WebSocket".

Every refusal but those of :mod:`server.web.guard` comes after the upgrade, as a close code: a
browser shows a page nothing of an HTTP answer that refuses one.
"""

from collections.abc import Awaitable
from typing import Self

import structlog
from aiohttp import WSCloseCode, web

from server.errors import BadRequest, KeepstreamError
from server.events import check_id
from server.sessions.bye import Bye, Reason
from server.sessions.opening import Wish
from server.sessions.session import Session
from server.sessions.sink import Encoding
from server.sessions.subscription import Subscription
from server.sessions.visit import visit
from server.web import answers
from server.web.frames import ARRAYS, ENCODING, in_arrays
from server.web.keys import ADMISSION, HUB
from server.web.messages import ONE, Answer, Cancel, Input, command, listen
from server.web.sink import SocketSink, Writer

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


class Socket(web.WebSocketResponse):
    """A WebSocket that serves itself: to be returned, open, by the handler of ``request``.

    Where the handler served it, its frame and those of the router and the middleware would stay in
    memory for as long as the stream does: a twentieth of what an idle reader costs.
    """

    def __init__(self, request: web.Request) -> None:
        super().__init__(compress=False, max_msg_size=MAX_FRAME, timeout=CLOSE_SECONDS)
        self._request = request
        self._drains: Writer

    async def open(self) -> Self:
        """Shake hands; raises what refuses the request."""
        writer = await self.prepare(self._request)
        assert writer is not None
        self._drains = writer
        self.headers.clear()  # they were sent, and would stay in memory as long as the socket
        return self

    def sink(self, encoding: Encoding) -> SocketSink:
        """Its way out; raises ConnectionError when the connection is gone."""
        return SocketSink("ws", encoding, self._request.transport, self._drains)

    def serve(self) -> Awaitable[Bye]:
        """Do what it was opened for; why it ended. Raises BadRequest, ConnectionError."""
        raise NotImplementedError

    async def write_eof(self) -> None:  # type: ignore[override]  # as aiohttp has it
        """Serve, and close it as the contract says; aiohttp ends every response with a call."""
        try:
            bye = await self.serve()
            if bye.reason != "gone":
                await self.close(code=CLOSE_CODES[bye.reason], message=bye.reason.encode())
        except BadRequest as error:
            await self.close(code=BAD_REQUEST, message=_reason(error))
        except ConnectionError:
            pass  # the reader left: its place in the log is its own to keep
        except Exception:
            # The upgrade was answered: an HTTP answer now would be bytes that no client can read.
            log.exception("A subscription failed", path=self._request.path)
            await self.close(code=WSCloseCode.INTERNAL_ERROR)
        await super().write_eof()

    async def close(
        self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True
    ) -> bool:
        """Close with ``code``; 4400 stands for 1009, which is for a frame that is too large."""
        too_big = code == WSCloseCode.MESSAGE_TOO_BIG
        return await super().close(
            code=BAD_REQUEST if too_big else code, message=message, drain=drain
        )


def _reason(error: KeepstreamError) -> bytes:
    return error.message.encode()[:120].decode(errors="ignore").encode()  # a close frame holds 123


async def websocket(request: web.Request) -> web.StreamResponse:
    """``GET /api/sessions/{session}/ws?after&types&until&frames``."""
    return await Follower(request).open()


class Follower(Socket):
    """Follows one session, and hears what its reader says meanwhile."""

    language = ONE

    def serve(self) -> Awaitable[Bye]:
        """Follow it to the end of the stream."""
        query, app = answers.query(self._request), self._request.app
        encoding = ARRAYS if in_arrays(query.get("frames", "events")) else ENCODING
        name = check_id(self._request.match_info["session"], "session")
        wish = Wish.parse(query.get("after", ""), query.get("types", ""), query.get("until", "run"))
        self._sink = self.sink(encoding)
        return visit(app[HUB], name, wish, self._sink, self)

    def attend(self, _: Session, reader: Subscription) -> Awaitable[None]:
        """Listen until the stream has ended, or the client is gone."""
        return listen(self, self, reader.ended)

    async def obey(self, said: Cancel | Input) -> None:
        """Do what is asked of a run of this session."""
        of = {self._request.match_info["session"]}
        await command(said, of, self._request.app[ADMISSION])

    async def answer(self, frame: Answer) -> None:
        """Send it."""
        self._sink.write(ENCODING.control(frame))
        await self._sink.drain()

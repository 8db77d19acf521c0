"""Requests in, answers out: JSON bodies, query parameters, and errors as the contract has them."""

import asyncio
import re
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.errors import BadRequest, KeepstreamError
from server.events import NESTING_LIMIT, check_id, encode_json, too_deep
from server.web.guard import Guard

log = structlog.get_logger()
T = TypeVar("T")

#: What a request's body may hold, in bytes.
MAX_BODY = 1024 * 1024
SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def json(data: Any, status: int = 200) -> web.Response:
    """An answer whose body is ``data``."""
    return web.Response(body=encode_json(data), status=status, content_type="application/json")


def failure(error: KeepstreamError) -> web.Response:
    """The contract's error object."""
    body = {"code": error.code, "message": error.message}
    if error.path is not None:
        body["path"] = error.path
    answer = json({"error": body}, error.status)
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def answering(admit: Guard) -> Middleware:
    """Ask ``admit`` first, and turn whatever is raised into the contract's error object.

    One middleware, not one for each: a stream keeps the frames of all of them for as long as it is.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = admit(request)
            return await handler(request) if answer is None else answer
        except KeepstreamError as error:
            return failure(error)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return _from_aiohttp(error)
        except Exception as error:
            if not (isinstance(error, ConnectionError) and _left(request)):
                log.exception("Request failed", method=request.method, path=request.path)
            return failure(KeepstreamError("the server failed at this request: see its log"))

    return middleware


def _left(request: web.Request) -> bool:
    # Nobody waits for the answer any more, which is no failure of ours.
    return request.transport is None or request.transport.is_closing()


def _from_aiohttp(error: web.HTTPException) -> web.Response:
    code = (error.reason or "error").lower().replace(" ", "_")
    hints = {404: "there is nothing at this address", 413: "a body may have 1 MiB"}
    message = hints.get(error.status, error.text or error.reason)
    answer = json({"error": {"code": code, "message": message}}, error.status)
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


async def body(request: web.Request, shape: type[T]) -> T:
    """The request's JSON body; an empty one is an empty object. Raises BadRequest with a path."""
    raw = await request.read() or b"{}"
    if too_deep(raw):
        raise BadRequest(f"the body is nested more than {NESTING_LIMIT} deep")
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `$")
        raise BadRequest(f"body: {message}", path=where.strip(".`") or None) from None
    except UNREADABLE as error:
        raise BadRequest(f"the body is not JSON in UTF-8: {error}") from None


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Do ``work`` to its end although the caller may leave meanwhile and cancel its handler."""
    return await asyncio.shield(asyncio.ensure_future(work))


def name(request: web.Request, what: str) -> str:
    """An id from the address, checked before it is used for anything."""
    return check_id(request.match_info[what], what)


def query(request: web.Request) -> dict[str, str]:
    """The query's parameters, the first of each name, read anew.

    ``request.query`` stays with the request, and so in memory for as long as a stream is.
    """
    return dict(reversed(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)))


def number(request: web.Request, key: str, default: int, span: range) -> int:
    """A whole number from the query, within ``span``."""
    text = request.query.get(key)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) in span):
        raise BadRequest(
            f"{key} must be a whole number from {span.start} to {span.stop - 1}", path=key
        )
    return int(text)


def seconds(request: web.Request, key: str, longest: float) -> float | None:
    """A number of seconds from the query, at most ``longest``; None where it is absent."""
    text = request.query.get(key)
    if text is None or text == "":
        return None
    value = float(text) if SECONDS.fullmatch(text) else -1.0
    if not 0 <= value <= longest:
        raise BadRequest(f"{key} must be a number of seconds from 0 to {longest:g}", path=key)
    return value


def choice(request: web.Request, key: str, known: Sequence[str]) -> str | None:
    """One of ``known`` from the query; None where it is absent."""
    text = request.query.get(key) or None
    if text is not None and text not in known:
        raise BadRequest(f"{key} must be one of {', '.join(known)}", path=key)
    return text

"""The URL table."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from server.settings import Settings
from server.web import answers, health, runs, sessions
from server.web.guard import add_headers, guard
from server.web.many import many
from server.web.page import STATIC, VERSIONED, page, versioned
from server.web.sse import sse
from server.web.websocket import websocket

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TABLE: list[tuple[str, str, Handler]] = [
    ("POST", "/api/sessions", sessions.create),
    ("GET", "/api/sessions", sessions.listing),
    ("GET", "/api/sessions/{session}", sessions.show),
    ("DELETE", "/api/sessions/{session}", sessions.delete),
    ("GET", "/api/sessions/{session}/runs", sessions.runs),
    ("POST", "/api/sessions/{session}/runs", runs.start_here),
    ("GET", "/api/sessions/{session}/events", sessions.events),
    ("GET", "/api/sessions/{session}/sse", sse),
    ("GET", "/api/sessions/{session}/ws", websocket),
    ("GET", "/api/sessions/{session}/diagnosis", sessions.diagnosis),
    ("GET", "/api/ws", many),
    ("POST", "/api/runs", runs.start_anew),
    ("GET", "/api/runs/{run}", runs.show),
    ("POST", "/api/runs/{run}/cancel", runs.cancel),
    ("POST", "/api/runs/{run}/input", runs.answer),
    ("GET", "/api/workflows", runs.workflows),
    ("GET", "/health/live", health.live),
    ("GET", "/health/ready", health.ready),
    ("GET", "/metrics", health.metrics),
]


async def _openapi(_: web.Request) -> web.Response:
    from server.web.openapi import document  # noqa: PLC0415 - most servers are never asked for it

    return answers.json(document())


def application(settings: Settings) -> web.Application:
    """The application without its parts: ``app.py`` puts those under :mod:`server.web.keys`."""
    app = web.Application(
        middlewares=[answers.answering(guard(settings))], client_max_size=answers.MAX_BODY
    )
    app.on_response_prepare.append(add_headers(settings))
    for method, path, handler in [*TABLE, ("GET", "/", page), ("GET", "/openapi.json", _openapi)]:
        if method == "GET":
            # No HEAD with it: a HEAD of a stream would be a reader that nobody reads for.
            app.router.add_get(path, handler, allow_head=False)
        else:
            app.router.add_route(method, path, handler)
    app.router.add_get(VERSIONED, versioned, allow_head=False)
    app.router.add_static("/static", STATIC)
    return app

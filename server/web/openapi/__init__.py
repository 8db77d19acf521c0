"""The description of the HTTP API: OpenAPI 3.1.

``operations``  the calls, as a table
``shapes``      the bodies that no other module has a type for
``paths``       the table as OpenAPI has it
"""

from functools import cache
from typing import Any

from server.web.openapi.paths import components, paths

ABOUT = """\
A session is a log of events; whoever reads it is a cursor into it. Start a run, follow its session
by WebSocket, server-sent events or long polls, and come back with the last cursor whenever the
connection ended: the stream continues behind it, without a gap and without a repetition.

A request with an `Origin` must name this server there, or one of `ALLOWED_ORIGINS`. Clients ignore
fields, event types and control frames that they do not know."""


@cache
def document() -> dict[str, Any]:
    """The whole of it, as JSON data; not to be changed."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Keepstream", "version": "1", "description": ABOUT},
        "paths": paths(),
        "components": components(),
    }


__all__ = ["document"]

"""Whether the server lives, whether it may be sent work, and its figures."""

from typing import Any

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from server import telemetry
from server.errors import KeepstreamError, StoreDamaged
from server.web import answers
from server.web.keys import HUB

metrics = make_aiohttp_handler(telemetry.REGISTRY)


async def live(_: web.Request) -> web.Response:
    """``GET /health/live``: the loop turns."""
    return answers.json({"live": True})


async def ready(request: web.Request) -> web.Response:
    """``GET /health/ready``: 200, or 503 with the reasons why not.

    A damaged session is named and makes nobody unready: the others are served.
    """
    hub = request.app[HUB]
    store = hub.events.health()
    reasons = [*(["the server is stopping"] if hub.closing else []), *store.reasons]
    try:
        await hub.events.sessions(limit=1)
    except StoreDamaged:
        pass
    except KeepstreamError as error:
        reasons.append(error.message)
    body: dict[str, Any] = {"ready": not reasons, "reasons": reasons, "store": store.condition}
    if store.damaged:
        body["damaged"] = [_described(error) for error in store.damaged]
    return answers.json(body, 503 if reasons else 200)


def _described(error: StoreDamaged) -> dict[str, Any]:
    where = {"session": error.session, "first": error.first, "last": error.last}
    known = {key: value for key, value in where.items() if value}
    return known | {"message": error.message}

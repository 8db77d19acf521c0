"""Whether the server lives, whether it may be sent work, and its figures."""

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from server import telemetry
from server.errors import KeepstreamError
from server.web import answers
from server.web.keys import HUB

metrics = make_aiohttp_handler(telemetry.REGISTRY)


async def live(_: web.Request) -> web.Response:
    """``GET /health/live``: the loop turns."""
    return answers.json({"live": True})


async def ready(request: web.Request) -> web.Response:
    """``GET /health/ready``: 200, or 503 with the reasons why not."""
    hub = request.app[HUB]
    reasons = ["the server is stopping"] if hub.closing else []
    try:
        await hub.events.sessions(limit=1)
    except KeepstreamError as error:
        reasons.append(error.message)
    return answers.json({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

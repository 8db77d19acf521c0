"""Who may ask: the rules for ``Origin`` and ``Host``, and the headers of every answer.

A browser lets any page open a WebSocket to any server, and lets a name that an attacker owns point
to 127.0.0.1. So an ``Origin`` has to be this server's own, or allowed by name; and where the server
listens on loopback only, ``Host`` has to be a loopback name, or allowed by name.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from server.errors import Forbidden
from server.settings import Settings

#: The answer to a request that no handler is to see, if it is one. Raises Forbidden.
Guard = Callable[[web.Request], web.Response | None]

DEFAULT_PORTS = {"http": ":80", "https": ":443"}
ORIGIN = re.compile(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)

HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)

#: What the page may load and do: its own files and this server's API, nothing else.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def check_origin(origin: str | None, host: str, allowed: tuple[str, ...]) -> None:
    """Raise Forbidden unless ``origin`` is absent, names ``host``, or is one of ``allowed``."""
    if origin is None or origin in allowed:
        return
    match = ORIGIN.fullmatch(origin)
    if match is not None:
        default = DEFAULT_PORTS[match[1]]
        if _without(match[2] + (match[3] or ""), default) == _without(host, default):
            return
    raise Forbidden(
        f"the origin {origin[:200]!r} is not served here: open the page from this server, or name"
        " the origin in ALLOWED_ORIGINS"
    )


def _without(host: str, port: str) -> str:
    return host.lower().removesuffix(port)


def check_host(host: str, allowed: tuple[str, ...]) -> None:
    """Raise Forbidden unless ``host`` is a loopback name or one of ``allowed``, any port."""
    match = HOST.fullmatch(host)
    name = match[1].strip("[]").lower() if match else ""
    if host in allowed or name in allowed or _loopback(name):
        return
    raise Forbidden(
        f"the host {host[:200]!r} is not served here: this server listens on loopback only; name"
        " the host in ALLOWED_HOSTS if a proxy of yours passes it on"
    )


def _loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def guard(settings: Settings) -> Guard:
    """What refuses strangers, before anything else is looked at, and answers preflights itself."""

    def admit(request: web.Request) -> web.Response | None:
        host, origin = request.headers.get(hdrs.HOST, ""), request.headers.get(hdrs.ORIGIN)
        if settings.on_loopback:
            check_host(host, settings.allowed_hosts)
        check_origin(origin, host, settings.allowed_origins)
        if request.method == hdrs.METH_OPTIONS and origin in settings.allowed_origins:
            return web.Response(status=204, headers=PREFLIGHT)
        return None

    return admit


PREFLIGHT = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, DELETE",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Content-Type, Idempotency-Key, Last-Event-ID",
    hdrs.ACCESS_CONTROL_MAX_AGE: "600",
}


def add_headers(settings: Settings) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """The signal handler that gives every answer its headers."""

    async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        # The page's modules belong together: a browser asks each time whether one has changed.
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-cache")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin in settings.allowed_origins and origin is not None:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)

    return on_prepare

"""The port that is served, and what holds for every connection to it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from server.errors import SettingsError
from server.settings import Settings

BACKLOG = 4096  # readers that all come back at once
#: Seconds from the end of listening until the sockets have taken their ``bye``.
STOP_SOCKETS_WITHIN = 1.5
#: Seconds until the kernel gives up a peer that takes nothing of what it was sent. Longer than a
#: subscription waits: it is for what no subscription looks after, an answer or a stream's rest.
UNTAKEN_SECONDS = 90.0
#: The same in heartbeats, where these are long.
UNTAKEN_HEARTBEATS = 3

log = structlog.get_logger()


@asynccontextmanager
async def listening(app: web.Application, settings: Settings) -> AsyncIterator[asyncio.Server]:
    """Serve ``app``; raises SettingsError where that cannot be done.

    Who closes the server it yields takes no new connections; those that are there end on leaving.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        handler_cancellation=True,  # an idle stream ends when its reader leaves, not at a write
        shutdown_timeout=STOP_SOCKETS_WITHIN,
    )
    await runner.setup()
    assert runner.server is not None
    try:
        server = await _bind(runner.server, settings)
        try:
            log.info("Server listening", url=_url(settings, server))
            yield server
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _bind(accept: web.Server, settings: Settings) -> asyncio.Server:
    # Not aiohttp's site: it keeps its sockets to itself.
    loop = asyncio.get_running_loop()
    seconds = max(UNTAKEN_SECONDS, UNTAKEN_HEARTBEATS * settings.heartbeat_seconds)
    try:
        server = await loop.create_server(
            accept, settings.host, settings.port, backlog=BACKLOG, start_serving=False
        )
        try:
            for each in server.sockets:
                _bound(each, seconds)
            await server.start_serving()  # two servers may bind a port; one of them listens
        except BaseException:
            server.close()
            raise
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}"
        ) from None
    return server


def _bound(listener: socket.socket, seconds: float) -> None:
    """Bound how long each connection may owe something, see TCP_USER_TIMEOUT in tcp(7)."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:  # what is accepted inherits it
        milliseconds = min(round(1000 * seconds), 2**31 - 1)
        listener.setsockopt(socket.IPPROTO_TCP, option, milliseconds)


def _url(settings: Settings, server: asyncio.Server) -> str:
    port = server.sockets[0].getsockname()[1]
    return f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"

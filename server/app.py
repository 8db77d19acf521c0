"""The composition root: opens every part in order, and closes them in the order of the end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

import structlog
from aiohttp import web

from server.errors import SettingsError
from server.eventlog.stores import open_store
from server.runs import Catalogue, Runs
from server.sessions import pulse
from server.sessions.admission import Admission
from server.sessions.hub import Hub
from server.settings import Settings
from server.web.keys import ADMISSION, CATALOGUE, HUB
from server.web.routes import application

log = structlog.get_logger()

#: Seconds from SIGTERM: for runs to take a cancel, and for sockets to take their ``bye``.
STOP_RUNS_WITHIN = 5.0
STOP_SOCKETS_WITHIN = 1.5
#: Readers come back spread over so many milliseconds, not as one wave.
RESTART_SPREAD_MS = 2000


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsError or StoreRefused before it listens."""
    with _stop_signals() as stop:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(_running(settings))
            await stop.wait()


@asynccontextmanager
async def _running(settings: Settings) -> AsyncIterator[None]:
    if not settings.on_loopback:
        log.warning("Anyone may use this server", setting="ALLOW_ANONYMOUS", host=settings.host)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    catalogue = Catalogue(settings.workflows)
    async with AsyncExitStack() as stack:
        events = await stack.enter_async_context(open_store(settings))
        hub = Hub(settings, events)
        found = await hub.find_runs()
        runs = await stack.enter_async_context(
            Runs(settings, catalogue, hub.append, events.feed, found=found)
        )
        admission = Admission(hub, runs, catalogue)
        app = application(settings)
        app[HUB], app[ADMISSION], app[CATALOGUE] = hub, admission, catalogue
        await stack.enter_async_context(pulse.beating(hub))
        may_import = await stack.enter_async_context(_importing(catalogue, runs))
        runner = await stack.enter_async_context(_listening(app, settings))
        may_import.set()  # what it takes of the machine, those who come back would wait for
        yield
        await _stop(settings, hub, runs, runner)


@asynccontextmanager
async def _importing(catalogue: Catalogue, runs: Runs) -> AsyncIterator[asyncio.Event]:
    begin = asyncio.Event()

    async def work() -> None:
        await begin.wait()
        try:
            await catalogue.load()
            await runs.warm_up()
        except Exception:
            log.exception("The workflows could not be imported")

    task = asyncio.create_task(work())
    try:
        yield begin
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _listening(app: web.Application, settings: Settings) -> AsyncIterator[web.AppRunner]:
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        handler_cancellation=True,  # an idle stream ends when its reader leaves, not at a write
        shutdown_timeout=STOP_SOCKETS_WITHIN,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, backlog=4096)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}"
            ) from None
        log.info("Server listening", url=_url(settings, runner))
        yield runner
    finally:
        await runner.cleanup()


def _url(settings: Settings, runner: web.AppRunner) -> str:
    port = runner.addresses[0][1]
    return f"http://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"


async def _stop(settings: Settings, hub: Hub, runs: Runs, runner: web.AppRunner) -> None:
    log.info("Server stopping", runs=settings.stop_runs)
    for site in tuple(runner.sites):
        await site.stop()
    hub.stop(RESTART_SPREAD_MS)
    await runs.stop(settings.stop_runs, "the server is stopping", STOP_RUNS_WITHIN)


@contextmanager
def _stop_signals() -> Iterator[asyncio.Event]:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

"""The composition root: opens every part in order, and closes them in the order of the end."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

import structlog

from server.eventlog.stores import open_store
from server.runs import Catalogue, Runs
from server.sessions import pulse
from server.sessions.admission import Admission
from server.sessions.hub import Hub
from server.settings import Settings
from server.web.keys import ADMISSION, CATALOGUE, HUB
from server.web.listening import listening
from server.web.routes import application

log = structlog.get_logger()

#: Seconds from SIGTERM for runs to take a cancel.
STOP_RUNS_WITHIN = 5.0
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
        server = await stack.enter_async_context(listening(app, settings))
        may_import.set()  # what it takes of the machine, those who come back would wait for
        yield
        await _stop(settings, hub, runs, server)


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


async def _stop(settings: Settings, hub: Hub, runs: Runs, server: asyncio.Server) -> None:
    log.info("Server stopping", runs=settings.stop_runs)
    server.close()
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

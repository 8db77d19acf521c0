"""One life of a server: the real log, hub and runs, from its start to kill -9."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from server.eventlog import sqlite
from server.runs.children import Runs
from server.runs.connection import Connection
from server.sessions.admission import Admission
from server.sessions.hub import Hub
from server.settings import Settings
from tests.model.loop import SeededLoop
from tests.model.pipes import Pipe, Spare
from tests.model.process import Process

if TYPE_CHECKING:
    from tests.model.world import World

SETTINGS = Settings(
    data_dir=Path("/nowhere"),
    max_runs=1,
    max_queued_runs=10,
    max_waiting_sessions=100,
    waiting_seconds=300.0,
    run_timeout_seconds=3600.0,
    cancel_grace_seconds=5.0,
    heartbeat_seconds=10.0,
    reattach_seconds=300.0,
)


class Catalogue:
    """One workflow."""

    preload: tuple[str, ...] = ()
    _entry = SimpleNamespace(name="w", timeout=None, target="w:w")

    async def ready(self) -> None:
        """Know everything."""

    def find(self, _name: str) -> Any:
        """Find it."""
        return self._entry

    def check(self, _entry: object, _input: object) -> None:
        """Accept every input."""


CATALOGUE: Any = Catalogue()


class Inlet:
    """Watches nothing: the world brings the bytes of a pipe when the seed says so."""

    def watch(
        self,
        descriptor: Spare,
        ready: Callable[[int], int],
        *,
        bulky: bool = False,
    ) -> None:
        """Be told what to call."""
        descriptor.ready = ready

    def leave(self, descriptor: Spare) -> None:
        """Call it no more."""
        descriptor.ready = None


class Server:
    """From its start to kill -9: the log and the hub."""

    def __init__(self, world: "World", *, new_epoch: bool) -> None:
        self.loop = SeededLoop(world.random, world.time, shuffled=world.shuffled)
        self.loop.offload = world.disk.elsewhere
        self.up = False
        self.listening = False  # for processes
        self.hub: Hub
        self._new_epoch = new_epoch
        self._journal_bytes = world.journal_bytes
        asyncio._set_running_loop(self.loop)
        self.spawn(self._live())

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin ``work``."""
        task = self.loop.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.failures.append(f"a request or the server itself raised {error!r}")

    async def _live(self) -> None:
        path = Path("/nowhere/keepstream.db")
        opened = sqlite.open(
            path,
            new_epoch=self._new_epoch,
            journal_bytes=self._journal_bytes,
            calm_seconds=0.0,
        )
        log = await opened.__aenter__()  # never left: kill -9 closes nothing
        self.hub = Hub(SETTINGS, log)
        await self.take_up()
        self.up = True

    async def take_up(self) -> None:
        """Do what comes between the log and the first request."""


class UpperServer(Server):
    """A log and a hub alone."""


class RoadServer(Server):
    """With its runs, and the door to them."""

    def __init__(self, world: "World", *, new_epoch: bool) -> None:
        self.runs: Runs
        self.admission: Admission
        self.starting: list[tuple[asyncio.Future[Any], tuple[str, ...]]] = []
        super().__init__(world, new_epoch=new_epoch)

    async def take_up(self) -> None:
        """Find the runs that an earlier server left."""
        found = await self.hub.find_runs()
        self.runs = Runs(SETTINGS, CATALOGUE, self.hub.append, self.hub.events.feed)
        self.admission = Admission(self.hub, self.runs, CATALOGUE)
        self.runs.take_up(found)
        self.listening = True

    def knock(self, caller: Process) -> Pipe:
        """Accept a connection from ``caller``."""
        pipe = Pipe(caller.pid, self.loop)
        inlet: Any = Inlet()
        connection = Connection(self.runs._knock, inlet)
        pipe.far.protocol = connection
        connection.connection_made(pipe.far)
        return pipe

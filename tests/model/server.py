"""One life of a server: the real log, hub and runs on a disk, a loop and processes of the model."""

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import structlog

from prometheus_client import Counter, Gauge, Histogram

from server import events, telemetry
from server.eventlog import ballast, schema, sqlite, tail, wal, watchers
from server.runs import body, child, children, intake
from server.runs.connection import Connection
from server.runs.process import Stat
from server.sessions import session, subscription
from server.sessions.admission import Admission
from server.sessions.hub import Hub
from server.settings import Settings
from tests.model.disk import unlocked
from tests.model.loop import SeededLoop
from tests.model.pipes import Pipe
from tests.model.process import Gone, Process
from workflows.runtime import listener, outbox

if TYPE_CHECKING:
    from tests.model.world import World

SETTINGS = Settings.model_construct(
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


class Server:
    """From its start to kill -9: the log and the hub."""

    def __init__(self, world: "World", *, new_epoch: bool) -> None:
        self.loop = SeededLoop(world.random, world.time, shuffled=world.shuffled)
        self.loop.offload = world.disk.elsewhere
        self.up = False
        self.listening = False
        self.hub: Hub
        self._new_epoch = new_epoch
        self._journal_bytes = world.journal_bytes
        self.enter()
        self.spawn(self._live())

    def enter(self) -> None:
        """Make its loop the one that runs."""
        asyncio._set_running_loop(self.loop)

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
        opened = sqlite.open(path, new_epoch=self._new_epoch, journal_bytes=self._journal_bytes)
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
        self.runs: children.Runs
        self.admission: Admission
        self.starting: list[tuple[asyncio.Future[Any], tuple[str, ...]]] = []
        super().__init__(world, new_epoch=new_epoch)

    async def take_up(self) -> None:
        """Find the runs that an earlier server left."""
        found = await self.hub.find_runs()
        self.runs = children.Runs(SETTINGS, CATALOGUE, self.hub.append)
        self.admission = Admission(self.hub, self.runs, CATALOGUE)
        self.runs.take_up(found)
        self.listening = True

    def knock(self, caller: Process) -> Pipe:
        """Accept a connection from ``caller``."""
        pipe = Pipe(caller.pid, self.loop)
        connection = Connection(self.runs._knock)
        pipe.far.protocol = connection
        connection.connection_made(pipe.far)
        return pipe


# -- the edges of the real parts


class ForkServer:
    """Starts processes when the seed says so."""

    def __init__(self, *_: object) -> None:
        pass

    async def start(self, *arguments: str) -> Any:
        """Ask for a process."""
        server = STAGE.world.server
        assert server is not None
        future = server.loop.create_future()
        server.starting.append((future, arguments))
        return await future

    async def collect(self, started: Any) -> int | None:
        """The exit code."""
        return -9 if started.process.killed else 1

    def refuse(self) -> None:
        """Do nothing: no server of the model stops in an orderly way."""


class Leader:
    """A process as the kernel knows it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.groups = False
        self.gone = False
        self.started = pid
        self.parent = 1
        self._process = STAGE.world.processes.get(pid)

    @classmethod
    def again(cls, pid: int, is_same: Callable[[Stat | None], bool]) -> "Leader":
        """A process that an earlier server has started."""
        leader = cls(pid)
        leader.groups = is_same(_stat(pid))
        return leader

    def watch(self, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
        """Have ``then`` called when it is gone."""

        def died() -> None:
            if not self.gone:
                self.gone = True
                then()

        if self._process is not None and self._process.alive:
            self._process.died = lambda: loop.call_soon(died) and None
        else:
            loop.call_soon(died)

    def kill(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()

    def close(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Look away."""
        self.gone = True


class Keeper:
    """Contains runs that start nothing but themselves."""

    nursery = None

    def __init__(self, *_: object) -> None:
        pass

    def launched(self, _run: str, leader: Leader, _slot: object) -> "Contained":
        """A run that this server has started."""
        return Contained(leader)

    def adopted(self, _record: object, leader: Leader) -> "Contained":
        """A run that an earlier server has started."""
        return Contained(leader)


class Contained:
    """One run, which is one process."""

    def __init__(self, leader: Leader) -> None:
        self._leader = leader

    def watch(self, _too_much: object) -> None:
        """Do nothing: it uses next to nothing."""

    def kill(self) -> None:
        """End it, if it is still the same."""
        if self._leader.groups or not self._leader.gone:
            self._leader.kill()

    def exceeded(self) -> None:
        """It has not."""

    def close(self) -> None:
        """Let go."""


def _stat(pid: int) -> Stat | None:
    process = STAGE.world.processes.get(pid)
    return Stat("S", 1, pid) if process is not None and process.alive else None


class LastWords:
    """A pipe that nothing is ever written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> "LastWords":
        """Make it."""
        return self

    def open_again(self) -> None:
        """Take it up."""

    let_go = open_again

    def read(self) -> bytes:
        """Find nothing."""
        return b""

    def close(self) -> None:
        """Remove it."""


class Attention:
    """What the listener's thread waits for: the world looks for itself."""

    def __init__(self, *_: object) -> None:
        self.writable_watched = False

    def watch_writable(self, on: bool) -> None:
        """Want to know when there is room."""
        self.writable_watched = on


class Ballast(ballast.Ballast):
    """Room that is kept: sometimes there is some."""

    slice = 1

    def make_way(self) -> None:
        """Do nothing: the store can always be opened."""

    def take(self) -> bool:
        """Have all of it again."""
        return True

    def give(self, _wanted: object) -> bool:
        """Give a slice."""
        given: bool = STAGE.world.lot(0.5)
        return given


def _exit(*_: object) -> None:
    raise Gone


class Clock:
    """The module ``time``, as far as the parts under test read a clock that only goes forward."""

    CLOCK_BOOTTIME = 7

    def monotonic(self) -> float:
        """The world's time."""
        return STAGE.world.time

    def clock_gettime(self, _clock: int) -> float:
        """The world's time."""
        return STAGE.world.time

    def time_ns(self) -> int:
        """The wall clock: it is data, and decides nothing here."""
        return time.time_ns()

    def time(self) -> float:
        """The wall clock."""
        return time.time()


CLOCK = Clock()
STAGE: Any = SimpleNamespace(world=None, errors=[])


class Mute:
    """In the place of a logger and of a metric; what is logged as an error has been found."""

    def bind(self, *_: object, **__: object) -> "Mute":
        """Stay mute."""
        return self

    labels = bind

    def info(self, *_: object, **__: object) -> None:
        """Do nothing."""

    inc = dec = set = observe = debug = warning = info

    def error(self, event: str, **fields: object) -> None:
        """Note what no schedule may cause."""
        if event not in EXPECTED:
            STAGE.errors.append(f"{event} {fields} {sys.exc_info()[1]!r}")

    exception = error

    def is_enabled_for(self, _level: int) -> bool:
        """Say no."""
        return False


MUTE: Any = Mute()
EXPECTED = {
    "The event log cannot commit",
    "The store has no room: runs are held back, new ones refused",
    "The store fails: nothing is acknowledged until it has proved",
}


def _mutes() -> Iterator[tuple[Any, str, Any]]:
    """Everything that writes logs or counts: it decides nothing and takes half of the time."""
    for module in _parts():
        if isinstance(getattr(module, "log", None), LOGGER):
            yield module, "log", MUTE
    for name, metric in vars(telemetry).items():
        if isinstance(metric, Counter | Gauge | Histogram):
            yield telemetry, name, MUTE
    yield child, "structlog", SimpleNamespace(get_logger=lambda: MUTE)


#: Limits, so small that a short schedule meets them.
LIMITS = {
    "GROUP_BYTES": 500,
    "PAGE_BYTES": 250,
    "LIVE_BACKLOG": 40,
    "BACKLOG_BYTES": 100,
    "MAX_KEPT_BYTES": 200,
}


def _limits() -> Iterator[tuple[Any, str, Any]]:
    """Every limit, wherever it is looked at."""
    for name, value in LIMITS.items():
        holders = [each for each in _parts() if hasattr(each, name)]
        assert holders, f"{name} is not there any more: a schedule would never meet it"
        yield from ((module, name, value) for module in holders)


def _parts() -> list[Any]:
    """The modules of the real parts."""
    named = list(sys.modules.items())
    return [part for name, part in named if name.startswith(("server.", "workflows.runtime."))]


def _clocks() -> Iterator[tuple[Any, str, Any]]:
    """Everything that looks at a clock: what it sees must follow from the seed."""
    for module in _parts():
        if getattr(module, "time", None) is time:
            yield module, "time", CLOCK
        if getattr(module, "monotonic", None) is time.monotonic:
            yield module, "monotonic", CLOCK.monotonic


def _wake(self: watchers.Watchers, sessions: Iterable[str]) -> None:
    """Wake at once, a turn later as the store in memory does, or when time has passed."""
    lot = STAGE.world.random.random()
    loop = asyncio.get_running_loop()
    if lot < 0.7:
        WAKE(self, sessions)
    elif lot < 0.85:
        loop.call_soon(WAKE, self, tuple(sessions))
    else:
        loop.call_later(0.001, WAKE, self, tuple(sessions))


WAKE = watchers.Watchers.wake


def _name(length: int) -> str:
    return f"{STAGE.world.random.getrandbits(4 * length):0{length}x}"


LOGGER = type(structlog.get_logger())


@contextmanager
def simulated() -> Iterator[None]:
    """Have the real parts meet the model where they would meet the kernel; limits are small."""
    edges: list[tuple[Any, str, Any]] = [
        (sqlite, "connected", lambda *a: STAGE.world.disk.connected(*a)),
        (schema, "locked", unlocked),
        (children, "ForkServer", ForkServer),
        (children, "Keeper", Keeper),
        (children, "stat", _stat),
        (body, "LastWords", LastWords),
        (body, "Leader", Leader),
        (listener, "Attention", Attention),
        (listener, "os", SimpleNamespace(_exit=_exit)),
        (listener, "kill_group", _exit),
        (sqlite, "Ballast", Ballast),
        (wal, "commits", lambda _: []),
        (wal, "settle", lambda *_: 0),
        *_clocks(),
        (events, "_random", _name),
        (watchers.Watchers, "wake", _wake),
        *_mutes(),
        *_limits(),
    ]
    with ExitStack() as stack:
        for module, name, value in edges:
            stack.enter_context(patch.object(module, name, value))
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=lambda _: None)  # what was killed closes nothing
        stack.callback(sys.set_asyncgen_hooks, *hooks)
        stack.callback(asyncio._set_running_loop, None)
        yield

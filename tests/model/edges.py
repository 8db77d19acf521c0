"""Where the real parts would meet the kernel: processes, files, threads of the seed."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from server.eventlog import ballast
from server.runs.process import Stat
from tests.model.disk import Thread
from tests.model.process import Gone
from tests.model.stage import STAGE


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


def stat(pid: int) -> Stat | None:
    """What /proc would say."""
    process = STAGE.world.processes.get(pid)
    return Stat("S", 1, pid) if process is not None and process.alive else None


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
        leader.groups = is_same(stat(pid))
        if not leader.groups:
            leader._process = None
        return leader

    def watch(self, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
        """Have ``then`` called when it is gone."""

        def died() -> None:
            if not self.gone:
                self.gone = True
                then()

        def told() -> None:
            loop.call_soon(died)

        if self._process is not None and self._process.alive:
            self._process.died = told
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
        return STAGE.world.lot(0.5)


def connected(name: str, *_: object, **__: object) -> AbstractAsyncContextManager[Thread]:
    """In the place of :func:`server.eventlog.threads.connected`."""
    return STAGE.world.disk.connected(name)


def leave(*_: object) -> None:
    """In the place of what ends a process."""
    raise Gone

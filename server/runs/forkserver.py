"""Processes from a fork server that has the workflows imported already.

``multiprocess`` keeps module-wide lists of its children and is used from one thread alone: its
``start()`` waits for the fork server, which may be importing for seconds, and never on the loop.

A fork server that dies costs nobody a run: those that it made live on, and the next start makes a
new one. If it dies twice in a row its preload is given up, since a module that is harmless alone
may not be so beside the others; runs then import what they need themselves.

While nobody asks for a process one is forked ahead, the *spare*: the next run has only to tell it
which run it is. It takes no place of a run's, and goes when the server goes.
"""

import asyncio
import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import multiprocess
import multiprocess.forkserver
import structlog

from server.runs.containment import Nursery
from server.runs.containment.kin import Identity
from server.runs.containment.slots import Slot
from server.runs.process import GONE, Leader, stat
from workflows.runtime.belonging import born
from workflows.runtime.standby import stand_by

#: What a fork server imports first and last, around the workflows.
FIRST, LAST = "workflows.runtime.nursery", "workflows.runtime.imported"

ATTEMPTS = 3
COLD_START_SECONDS = 60.0  # for the imports, the only thing that takes long
EXIT_CODE_SECONDS = 0.5
#: After the last start: a fork beside the first steps of a run would slow them down.
SPARE_SECONDS = 0.03
UNKNOWN = 255  # what multiprocess reports when the fork server took the exit code along

Made = TypeVar("Made")

log = structlog.get_logger()


class Started(NamedTuple):
    """A started process: the kernel's side of it and multiprocess' own."""

    leader: Leader
    process: Any
    slot: Slot | None = None  # the control group that it was born in


class Spare(NamedTuple):
    """A process that waits to be told which run it is."""

    started: Started
    home: int  # the fork server that has its exit code
    told: Any  # the pipe's end for that; closed, the process ends

    def call(self, *words: str) -> None:
        """Tell it; raises OSError where it is gone."""
        try:
            self.told.send_bytes(json.dumps(words).encode())
        finally:
            self.told.close()


class ForkServer:
    """Starts ``entry`` in new processes. The loop's side: every method returns at once or awaits.

    ``entry`` is a function that can be imported by its name; it is never called here. ``preload``
    names the modules that passed the probe. ``nursery`` says where to fork.
    """

    def __init__(
        self,
        entry: Callable[..., None],
        preload: Callable[[], Sequence[str]],
        nursery: Callable[[], Nursery],
    ) -> None:
        self._entry = entry
        self._preload = preload  # asked when a fork server is made
        self._nursery = nursery
        self._preload_kills = False
        self._warm = False
        self._closing = False
        self._started: set[Any] = set()  # processes, as multiprocess knows them
        self._spare: Spare | None = None
        self._next_spare: asyncio.TimerHandle | None = None
        self._late: list[Started] = []  # gone, and their exit codes had not come in time
        self._context = multiprocess.get_context("forkserver")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forkserver")

    async def warm_up(self) -> None:
        """Have a fork server that is done with its imports; raises as :meth:`start` does."""
        await self._call(self._warm_up)

    async def start(self, run: str, *arguments: str) -> Started:
        """A new process for a run; raises OSError or EOFError when there is none to be had."""
        if self._next_spare is not None:
            self._next_spare.cancel()
        loop = asyncio.get_running_loop()
        self._next_spare = loop.call_later(SPARE_SECONDS, self._thread.submit, self._renew)
        child: Started = await self._call(self._start, run, *arguments)
        return child

    async def collect(self, child: Started) -> int | None:
        """The exit code of a process that is gone, where it can be known; negative: a signal."""
        code: int | None = await self._call(self._collect, child)
        return code

    def refuse(self) -> None:
        """Start nothing any more, not even what was asked for."""
        self._closing = True
        if self._next_spare is not None:
            self._next_spare.cancel()
        if not self._warm:
            _kill_fork_server()  # the thread may be waiting for its imports

    async def close(self) -> None:
        """End the fork server. What it has started lives on."""
        self.refuse()
        await self._call(self._stop)
        self._thread.shutdown(wait=False)

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, function, *arguments)

    # On the thread.

    def _start(self, run: str, *arguments: str) -> Started:
        self._collect_late()
        return self._from_spare(run, arguments) or self._insist(lambda: self._begin(run, arguments))

    def _from_spare(self, run: str, arguments: tuple[str, ...]) -> Started | None:
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        slot = spare.started.slot
        try:
            multiprocess.forkserver.ensure_running()
            if spare.home == _pid():  # else its exit code would never be known
                spare.call("" if slot is not None else self._nursery().mark(run), run, *arguments)
                return spare.started
        except OSError as error:
            log.warning("A spare process was gone", pid=spare.started.leader.pid, error=repr(error))
        self._dismiss(spare)
        return None

    def _warm_up(self) -> None:
        if self._spare is None:  # a run that was found queued may have come first
            self._make_spare()

    def _renew(self) -> None:
        """Have a spare, if there is peace for it."""
        if self._spare is None and self._warm and not self._closing:
            try:
                self._make_spare()
            except (OSError, EOFError) as error:
                log.warning("No spare process", error=repr(error))

    def _make_spare(self) -> None:
        self._spare = self._insist(self._stand_by)

    def _stand_by(self) -> Spare:
        # A pipe for each attempt: one that has failed may have left a process that nobody knows,
        # and that would hear which run another one is to be.
        hears, told = multiprocess.Pipe(duplex=False)
        try:
            terms = self._nursery().terms
            started = self._fork(lambda: (stand_by, *terms(""), hears, self._entry))
            return Spare(started, _pid(), told)
        except BaseException:
            told.close()
            raise
        finally:
            hears.close()

    def _dismiss(self, spare: Spare) -> None:
        """It ends by itself, and has left nothing."""
        spare.told.close()
        spare.started.leader.abandon()
        spare.started.process.join(EXIT_CODE_SECONDS)
        if spare.started.process.exitcode is None:
            self._late.append(spare.started)
        else:
            self._let_go(spare.started)
        if spare.started.slot is not None:
            self._nursery().vacate(spare.started.slot)

    def _begin(self, run: str, arguments: tuple[str, ...]) -> Started:
        return self._fork(lambda: (self._entry, *self._nursery().terms(run), run, *arguments))

    def _insist(self, attempt: Callable[[], Made]) -> Made:
        """Try again with another fork server where one dies."""
        for number in range(1, ATTEMPTS + 1):
            if self._closing:
                raise ConnectionError("the server is stopping")
            try:
                made = attempt()
            except (EOFError, ConnectionError) as error:
                if not self._closing:
                    log.warning("Fork server died", attempt=number, error=repr(error))
                # Should this attempt's process exist after all, it will not be let in: its pid
                # is not the one that is known.
                _kill_fork_server()
                _stop_fork_server()  # or the next attempt could meet the one that is dying
                if number == ATTEMPTS:
                    raise ConnectionError("the fork server does not stay alive") from error
                self._preload_kills = number == ATTEMPTS - 1
            else:
                # What may take long comes after what somebody waits for.
                self._thread.submit(self._nursery().move_on)
                return made
        raise AssertionError

    def _fork(self, terms: Callable[[], tuple[Any, ...]]) -> Started:
        """A process that begins with what ``terms``, asked in its slot, says it is born to."""
        nursery = self._nursery()
        with self._patience():
            multiprocess.forkserver.ensure_running()
            nursery.receive(home := _pid())
            process = self._context.Process(target=born, args=terms())
            with nursery.birth():
                process.start()
                _only_from(home, process)
                leader = Leader(process.pid)
                slot = nursery.born(Identity(leader.pid, leader.started))
            # The library asks each that it knows at every start whether it still lives: all
            # that run, once for each that begins. We hear of a death from the kernel. And
            # it lives on, where the interpreter would wait for it at its own end.
            multiprocess.process._children.discard(process)
            self._started.add(process)
        return Started(leader, process, slot)

    @contextlib.contextmanager
    def _patience(self) -> Iterator[None]:
        """Kill a fork server that never gets its imports done."""
        if self._warm:
            try:
                yield
            except BaseException:
                self._warm = False
                raise
            return
        preload = [] if self._preload_kills else self._preload()
        self._context.set_forkserver_preload([FIRST, self._entry.__module__, *preload, LAST])
        alarm = threading.Timer(COLD_START_SECONDS, _kill_fork_server)
        alarm.start()
        try:
            yield
            self._warm = True
        finally:
            alarm.cancel()

    def _collect(self, child: Started) -> int | None:
        child.process.join(EXIT_CODE_SECONDS)
        code: int | None = child.process.exitcode
        if code is None:
            self._late.append(child)
        else:
            self._let_go(child)
        if code == UNKNOWN:
            parent = stat(child.leader.parent)
            if parent is None or parent.state in GONE:
                return None
        return code

    def _collect_late(self) -> None:
        """A fork server that was stopped, or busy, tells exit codes when it goes on."""
        late, self._late = self._late, []
        for child in late:
            if child.process.exitcode is None:
                self._late.append(child)
            else:
                self._let_go(child)

    def _let_go(self, child: Started) -> None:
        self._started.discard(child.process)
        self._nursery().buried(Identity(child.leader.pid, child.leader.started))
        child.process.close()

    def _stop(self) -> None:
        if self._spare is not None:
            self._dismiss(self._spare)
            self._spare = None
        alarm = threading.Timer(2, _kill_fork_server)
        alarm.start()
        _stop_fork_server()
        alarm.cancel()
        self._nursery().close()


def _only_from(home: int, process: Any) -> None:
    """A fork server that came up in the meantime does not stand where its children are to be."""
    if _pid() != home:
        process.kill()
        process.join(EXIT_CODE_SECONDS)
        if process.exitcode is not None:
            process.close()
        raise EOFError("the fork server died, and another one has forked")


def _pid() -> int:
    pid: int = multiprocess.forkserver._forkserver._forkserver_pid
    return pid


def _stop_fork_server() -> None:
    """Wait for its end, which it comes to when nobody holds its alive pipe any more."""
    # The library's face has no way to end it before the interpreter does.
    multiprocess.forkserver._forkserver._stop()


def _kill_fork_server() -> None:
    pid = multiprocess.forkserver._forkserver._forkserver_pid
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

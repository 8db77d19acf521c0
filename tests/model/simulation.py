"""Has the real parts meet the model wherever they would meet the kernel, a clock or a die."""

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import structlog
from prometheus_client import Counter, Gauge, Histogram

from server import events, telemetry
from server.eventlog import sqlite, wal, watchers
from server.runs import body, child, children
from tests.model import edges
from tests.model.disk import unlocked
from tests.model.stage import STAGE
from workflows.runtime import listener


class Clock:
    """The module ``time``, as far as the parts under test read a clock that only goes forward."""

    CLOCK_BOOTTIME = 7

    def monotonic(self) -> float:
        """The world's time."""
        return float(STAGE.world.time)

    def clock_gettime(self, _clock: int) -> float:
        """The world's time."""
        return float(STAGE.world.time)

    def time_ns(self) -> int:
        """The wall clock: it is data, and decides nothing here."""
        return time.time_ns()

    def time(self) -> float:
        """The wall clock."""
        return time.time()


CLOCK = Clock()


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
    "STRETCH_BYTES": 200,
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
    if lot < 0.4:
        WAKE(self, sessions)
    elif lot < 0.7:
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
    meetings: list[tuple[Any, str, Any]] = [
        (sqlite, "connected", edges.connected),
        (sqlite, "locked", unlocked),
        (children, "ForkServer", edges.ForkServer),
        (children, "Keeper", edges.Keeper),
        (children, "stat", edges.stat),
        (body, "LastWords", edges.LastWords),
        (body, "Leader", edges.Leader),
        (listener, "Attention", edges.Attention),
        (listener, "os", SimpleNamespace(_exit=edges.leave)),
        (listener, "kill_group", edges.leave),
        (sqlite, "Ballast", edges.Ballast),
        (wal, "commits", lambda _: []),
        (wal, "settle", lambda *_: 0),
        (sqlite, "lay_out", lambda *_: None),
        (os, "sched_yield", lambda: None),  # beside other tests it would cost a slice each time
        *_clocks(),
        (events, "_random", _name),
        (watchers.Watchers, "wake", _wake),
        *_mutes(),
        *_limits(),
    ]
    with ExitStack() as stack:
        for module, name, value in meetings:
            stack.enter_context(patch.object(module, name, value))
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=lambda _: None)  # what was killed closes nothing
        stack.callback(sys.set_asyncgen_hooks, *hooks)
        stack.callback(asyncio._set_running_loop, None)
        yield

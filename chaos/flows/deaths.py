"""Every way for a workflow's process to end, by name."""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from chaos.flows.journaling import Noted
from workflows import Context, workflow


def _raises() -> None:
    raise RuntimeError("the market is closed")


def _thread_leaves() -> str:
    thread = threading.Thread(target=sys.exit, args=(4,))
    thread.start()
    thread.join()
    return "still here"


def _exits_from_a_thread() -> None:
    threading.Thread(target=os._exit, args=(3,)).start()
    time.sleep(600)


def _signals(number: int) -> Callable[[], None]:
    def way() -> None:
        os.kill(os.getpid(), number)
        time.sleep(600)

    return way


def _segfaults() -> None:
    ctypes.string_at(0)


def _wants_all_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
    bytearray(1 << 31)


def _recurses() -> None:
    _recurses()


def _forks() -> str:
    return "twice" if os.fork() else "once"


def _closes_everything() -> None:
    os.closerange(3, 1024)
    os._exit(5)


WAYS: dict[str, Callable[[], Any]] = {
    "returns": lambda: "done",
    "raises": _raises,
    "exits_0": lambda: os._exit(0),
    "exits_3": lambda: os._exit(3),
    "exits_3_in_a_thread": _exits_from_a_thread,
    "leaves": lambda: sys.exit(0),
    "leaves_a_thread": _thread_leaves,
    "segfaults": _segfaults,
    "aborts": os.abort,
    "is_killed": _signals(signal.SIGKILL),
    "is_terminated": _signals(signal.SIGTERM),
    "becomes_another": lambda: os.execv("/bin/true", ["true"]),
    "closes_everything": _closes_everything,
    "wants_all_memory": _wants_all_memory,
    "recurses": _recurses,
    "returns_no_json": lambda: float("nan"),
    "returns_too_much": lambda: "x" * (2 << 20),
    "forks": _forks,
}


@workflow
def dies(ctx: Context, journal: str, way: str, events: int = 5) -> Any:
    """Emits a few events and ends as it is told."""
    noted = Noted(ctx, journal)
    for _ in range(events):
        noted.emit()
    noted.dying()
    return WAYS[way]()


@workflow(timeout=0.5)
def overstays(ctx: Context, journal: str) -> None:
    """Takes more time than it may and never looks up."""
    noted = Noted(ctx, journal)
    noted.emit()
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(600)


@workflow
async def listens(ctx: Context, journal: str) -> None:
    """Waits where a cancel arrives."""
    noted = Noted(ctx, journal)
    noted.emit()
    await asyncio.Event().wait()


@workflow
async def swallows(ctx: Context, journal: str) -> None:
    """Swallows every cancel."""
    noted = Noted(ctx, journal)
    noted.emit()
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


@workflow
def spins(ctx: Context, journal: str) -> None:
    """Ignores every signal that can be ignored, and computes without end."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    noted = Noted(ctx, journal)
    noted.emit()
    while True:
        pass


@workflow
def stops_itself(ctx: Context, journal: str) -> None:
    """Takes SIGSTOP from its own hand."""
    noted = Noted(ctx, journal)
    noted.emit()
    os.kill(os.getpid(), signal.SIGSTOP)


@workflow
def finishes_anyway(ctx: Context, journal: str) -> str:
    """Sees the cancel, and completes."""
    noted = Noted(ctx, journal)
    noted.emit()
    while not ctx.cancelled:
        time.sleep(0.005)
    noted.emit()
    return "finished"

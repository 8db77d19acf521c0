"""Workflows to be run as children: each does one thing to its run."""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from workflows import Context, workflow

IMPORTED_BY = os.getpid()


@workflow
def silent(ctx: Context) -> str:
    """Says nothing."""
    return "done"


@workflow
async def chatty(ctx: Context, count: int = 3, pad: int = 0) -> int:
    """Emits as fast as it can."""
    for i in range(count):
        ctx.emit("step", {"i": i, "pad": "x" * pad})
    return count


@workflow
async def trickles(ctx: Context, count: int = 50) -> int:
    """One event after the other, each read alone."""
    for n in range(count):
        ctx.emit("tick", {"n": n})
        await asyncio.sleep(0.002)
    return count


@workflow
def raises(ctx: Context) -> None:
    """Has a bug."""
    raise LookupError("no such thing")


@workflow
def exits_with(ctx: Context, code: int) -> None:
    """Leaves by the back door, after an event."""
    ctx.emit("step")
    os._exit(code)


@workflow
def dies_by(ctx: Context, number: int) -> None:
    """Ends itself by a signal, after an event."""
    ctx.emit("step")
    os.kill(os.getpid(), number)
    time.sleep(60)


@workflow
def segfaults(ctx: Context) -> None:
    """Reads what is not there."""
    ctx.emit("step")
    ctypes.string_at(0)


@workflow
def exits_in_a_thread(ctx: Context) -> str:
    """Loses a thread, which is nobody's end."""
    thread = threading.Thread(target=sys.exit, args=(3,))
    thread.start()
    thread.join()
    return "still here"


@workflow
async def waits(ctx: Context) -> None:
    """Waits until it is told to stop."""
    ctx.emit("waiting", {"pid": os.getpid()})
    await asyncio.Event().wait()


@workflow
async def finishes_when_told(ctx: Context) -> str:
    """Takes a cancel as a hint to come to an end."""
    ctx.emit("waiting")
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    return "in time"


@workflow
async def stays_a_while(ctx: Context) -> str:
    """Ends by itself, soon."""
    ctx.emit("waiting")
    await asyncio.sleep(0.3)
    return "rested"


@workflow
def ignores(ctx: Context) -> None:
    """Hears nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctx.emit("waiting", {"pid": os.getpid()})
    while True:
        time.sleep(60)


@workflow
def dies_when_told(ctx: Context) -> None:
    """Takes a cancel very badly."""
    ctx.emit("waiting")
    while not ctx.cancelled:
        time.sleep(0.001)
    os._exit(1)


@workflow
async def asks(ctx: Context) -> Any:
    """Wants to know a number."""
    return await ctx.ask("How many?", schema={"type": "integer"})


@workflow
def tells_what_it_has(ctx: Context) -> dict[str, Any]:
    """Who it is and what it holds open."""
    held = {}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            held[link.name] = str(link.readlink())
    return {
        "importer": IMPORTED_BY,
        "descriptors": held,
        "modules": sorted(sys.modules),
        "collecting": gc.isenabled(),
        "frozen": gc.get_freeze_count(),
        "objects": len(gc.get_objects()),
    }


@workflow
def leaves_a_grandchild(ctx: Context, then: str = "return") -> int:
    """Starts a program that would outlive it."""
    child = subprocess.Popen(["sleep", "600"])
    ctx.emit("grandchild", {"pid": child.pid})
    if then == "exit":
        os._exit(1)
    child.returncode = 0  # nobody waits for it, and nobody should complain
    return child.pid

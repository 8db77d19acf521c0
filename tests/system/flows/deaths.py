"""Every way to die."""

import asyncio
import ctypes
import os
import resource
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from workflows import Context, workflow


@workflow
def raises(ctx: Context) -> None:
    """Raises."""
    ctx.emit("alive", {})
    raise RuntimeError("the market is closed")


@workflow
async def raises_async(ctx: Context) -> None:
    """Raises in a coroutine."""
    ctx.emit("alive", {})
    raise RuntimeError("the market is closed")


@workflow
def raises_inside_agent(ctx: Context) -> None:
    """Raises while an agent speaks."""
    with ctx.agent("Worker"):
        raise RuntimeError("the market is closed")


@workflow
def leaves_main_thread(ctx: Context) -> None:
    """Calls sys.exit where the workflow runs."""
    ctx.emit("alive", {})
    sys.exit(0)


@workflow
def leaves_thread(ctx: Context) -> str:
    """Calls sys.exit in a thread, which ends that thread and nothing else."""
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    return "still here"


@workflow
def exits_0(ctx: Context) -> None:
    """Exits with 0 and without an outcome."""
    ctx.emit("alive", {})
    os._exit(0)


@workflow
def exits_3(ctx: Context) -> None:
    """Exits with 3 from a thread."""
    ctx.emit("alive", {})
    threading.Thread(target=os._exit, args=(3,)).start()
    time.sleep(3600)


@workflow
def segfaults(ctx: Context) -> None:
    """Reads address 0."""
    ctx.emit("alive", {})
    ctypes.string_at(0)


@workflow
def aborts(ctx: Context, after: float = 0) -> None:
    """Dies as a C library does: a line on stderr, then SIGABRT, ``after`` so many seconds."""
    ctx.emit("alive", {})
    os.write(2, b"assertion failed: money > 0\n")
    if after:
        time.sleep(after)
    os.abort()


@workflow
def kills_itself(ctx: Context) -> None:
    """Takes SIGKILL from its own hand."""
    ctx.emit("alive", {})
    os.kill(os.getpid(), signal.SIGKILL)


@workflow
def terminates_itself(ctx: Context) -> None:
    """Takes SIGTERM from its own hand."""
    ctx.emit("alive", {})
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(3600)


@workflow
def becomes_another(ctx: Context) -> None:
    """Execs another program."""
    ctx.emit("alive", {})
    os.execv("/bin/true", ["true"])


@workflow
def wants_all_memory(ctx: Context) -> None:
    """Runs into MemoryError at a limit of its own."""
    ctx.emit("alive", {})
    used = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, used))
    bytearray(1 << 31)


@workflow
def recurses(ctx: Context) -> None:
    """Recurses without end."""
    ctx.emit("alive", {})
    _recurse(0)


def _recurse(depth: int) -> int:
    return _recurse(depth + 1) + 1


@workflow
def returns_no_json(ctx: Context) -> object:
    """Returns what JSON has no word for."""
    ctx.emit("alive", {})
    return object()


@workflow
def returns_nan(ctx: Context) -> float:
    """Returns a number that JSON has no word for."""
    ctx.emit("alive", {})
    return float("nan")


@workflow
def returns_too_much(ctx: Context) -> str:
    """Returns more than a line of the pipe holds."""
    ctx.emit("alive", {})
    return "x" * (2 << 20)


@workflow
def closes_everything(ctx: Context) -> None:
    """Closes every descriptor, the pipe's too."""
    ctx.emit("alive", {})
    os.closerange(0, 4096)


@workflow
def twins(ctx: Context) -> str:
    """Forks, and both processes return."""
    ctx.emit("alive", {})
    return "parent" if os.fork() else "child"


@workflow(timeout=1)
def overstays(ctx: Context) -> None:
    """Sleeps past its time limit and doesn't listen."""
    ctx.emit("alive", {})
    while True:
        time.sleep(3600)


@workflow(timeout=1)
async def overstays_politely(ctx: Context) -> None:
    """Waits past its time limit, where it can be told to stop."""
    ctx.emit("alive", {})
    await asyncio.Event().wait()


@workflow
def leaves_a_thread_running(ctx: Context) -> int:
    """Returns its process's id while a thread of it that is no daemon never ends."""
    threading.Thread(target=time.sleep, args=(3600,)).start()
    return os.getpid()


@workflow
def breaks_the_pipe(ctx: Context, line: str, filler: int = 0) -> None:
    """Writes a line of its own (in latin-1, then filler) on the socket to the server."""
    ctx.emit("alive", {})
    with socket.socket(fileno=os.dup(_pipe())) as pipe:
        pipe.sendall(line.encode("latin-1") + b"x" * filler + b"\n")
    time.sleep(3600)


def _pipe() -> int:
    """Return the descriptor of the one connected Unix stream socket of this process."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            with socket.socket(fileno=os.dup(int(entry.name))) as candidate:
                if candidate.family == socket.AF_UNIX and candidate.getpeername():
                    return int(entry.name)
        except OSError:
            continue
    raise LookupError("no socket to the server among the descriptors")

"""Workflows that behave."""

import asyncio
import os
import sys
import threading
import time
from typing import Any

from workflows import Context, workflow


@workflow
def silent(ctx: Context) -> None:
    """Says nothing and ends."""


@workflow
def returns(ctx: Context, value: Any = None) -> Any:
    """Returns what it was given."""
    return value


@workflow
def count(ctx: Context, n: int = 10, delay: float = 0.0) -> int:
    """Counts to n, one each `delay` seconds.

    What came late is made up for, so a busy machine changes no rate.
    """
    began = time.monotonic()
    for i in range(1, n + 1):
        ctx.emit("tick", {"i": i})
        if (early := began + i * delay - time.monotonic()) > 0:
            time.sleep(early)
    return n


@workflow
def chatty(ctx: Context, n: int = 100, size: int = 100, threads: int = 1) -> None:
    """Emits n events of `size` bytes of text from each of some threads."""

    def talk(thread: int) -> None:
        for i in range(1, n + 1):
            ctx.emit("talk", {"thread": thread, "i": i, "text": "x" * size})

    talkers = [threading.Thread(target=talk, args=(each,)) for each in range(threads)]
    for talker in talkers:
        talker.start()
    for talker in talkers:
        talker.join()


@workflow
def floods_when_told(ctx: Context, path: str, n: int, size: int) -> None:
    """Waits for a byte in the FIFO at `path`, then emits n events of `size` bytes of text."""
    ctx.emit("alive", {})
    with open(path, "rb") as told:  # noqa: PTH123
        told.read(1)
    for i in range(n):
        ctx.emit("talk", {"i": i, "text": "x" * size})


@workflow
async def gated(ctx: Context, gate: str) -> int:
    """Emits one `tick` for each `.` that it can read from the FIFO `gate`; ends at its end."""
    reader = asyncio.StreamReader()
    source = os.fdopen(os.open(gate, os.O_RDONLY | os.O_NONBLOCK), "rb", 0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), source
    )
    i = 0
    try:
        while await reader.read(1) == b".":
            i += 1
            ctx.emit("tick", {"i": i})
    finally:
        transport.close()
    return i


@workflow
def prints(ctx: Context) -> None:
    """Writes to stdout and stderr as Python code, a C library and a program of its own would."""
    print("from print")
    print("from stderr", file=sys.stderr)
    os.write(1, b"bad \xff byte\n")
    os.system("echo from a program")
    sys.stdout.write("no newline")


@workflow
async def asks(ctx: Context) -> Any:
    """Asks for a whole number and returns it."""
    return await ctx.ask("How many?", schema={"type": "integer"})


@workflow
def asks_blocking(ctx: Context) -> Any:
    """Asks from a plain function."""
    return ctx.ask("Anything?")


@workflow
async def agents(ctx: Context) -> dict[str, str]:
    """Two agents, one inside the other, and every kind of event that the SDK has a word for."""
    async with ctx.agent("Supervisor", task="plan") as supervisor:
        supervisor.message("Two rounds should do.")
        supervisor.delta("word ", message="m1")
        call = supervisor.tool_call("search", {"q": "x"})
        supervisor.tool_result(call, output=["found"])
        async with ctx.agent("Worker", task="work") as worker:
            worker.message("Done.")
        supervisor.output = {"plan": ["a", "b"]}
    ctx.progress(1, 3, "planned")
    return {"summary": "two agents"}


@workflow
def big(ctx: Context, size: int = 1_000_000) -> str:
    """Emits an event of about `size` bytes, then says whether that was allowed."""
    try:
        ctx.emit("big", {"text": "é" * (size // 2)})
    except (TypeError, ValueError) as error:
        ctx.emit("refused_here", {"message": str(error)})
        return type(error).__name__
    return "kept"


@workflow
def hostile(ctx: Context) -> None:
    """Emits texts that forge lines, frames or markup wherever somebody forgets to encode them."""
    for text in HOSTILE:
        ctx.emit("text", {"text": text})


HOSTILE = [
    "\r", "\n", "\r\n", "a\r\n\r\nevent: bye\r\ndata: {}\r\n\r\n", "\n\nid: 0000-99\n\n",
    "\u2028\u2029", "\x00", "\x1b[2J", "\x85", "\ufeff", "</script><script>alert(1)</script>",
    '"}\n{"offset":99}', "\\", "😀", "é", "\U0010ffff", "",
]  # fmt: skip

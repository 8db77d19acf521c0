"""Workflows to be run as children: each does one thing that a run must survive or report."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from workflows import Context, workflow

BIG = "x" * 100_000


def descriptors() -> dict[str, str]:
    """What this process holds open: kinds, or paths."""
    held = {}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            held[link.name] = str(link.readlink()).partition(":")[0]
    return held


@workflow
def silent(ctx: Context) -> None:
    """Nothing."""


@workflow
async def silent_async(ctx: Context) -> None:
    """Nothing, in a loop."""


@workflow
def gives_back(ctx: Context, value: Any = None) -> Any:
    """Its input."""
    return value


@workflow
def fills(ctx: Context, count: int, progress: str) -> None:
    """Emit 100 KB at a time, and note in a file after each how many those were."""
    with open(progress, "w") as file:  # noqa: PTH123
        for i in range(count):
            ctx.emit("step", {"i": i, "pad": BIG})
            file.write(".")
            file.flush()


@workflow
def prints_when_told(ctx: Context, gate: str, lines: int) -> None:
    """Print when something can be read from a FIFO."""
    ctx.emit("alive")
    with open(gate) as told:  # noqa: PTH123
        told.read(1)
        for i in range(lines):
            print(f"line {i:06}")
        ctx.emit("printed")
        told.read(1)


@workflow
def adds(ctx: Context, a: int, b: int = 2) -> int:
    """A sum, of typed inputs."""
    assert type(a) is int
    return a + b


@workflow
def emits_then_exits(ctx: Context, count: int) -> None:
    """Emit, and leave without a word."""
    for i in range(count):
        ctx.emit("step", {"i": i})
    os._exit(0)


@workflow
def emits_from_threads(ctx: Context, threads: int, each: int) -> None:
    """Emit from many threads at once."""

    def speak(who: int) -> None:
        for i in range(each):
            ctx.emit("step", {"who": who, "i": i})

    crowd = [threading.Thread(target=speak, args=(who,)) for who in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()


@workflow
def floods(ctx: Context, count: int) -> str:
    """Emit 100 KB at a time; say on stderr when it is over."""
    for i in range(count):
        ctx.emit("flood", {"i": i, "pad": BIG})
    return "done"


@workflow
def prints_a_flood(ctx: Context, lines: int) -> None:
    """Print 1 KB lines."""
    for i in range(lines):
        print(f"{i} {BIG[:1000]}")


@workflow
def prints(ctx: Context) -> None:
    """Write to both streams in every way, an event in between."""
    print("by print")
    ctx.emit("between")
    os.write(1, b"by write\n")
    print("to stderr", file=sys.stderr)
    ctx.emit("between")
    subprocess.run(["echo", "by a program"], check=True)
    ctx.emit("between")
    print("no end", end="")


@workflow
def writes(ctx: Context, hexes: list[str]) -> None:
    """Write these bytes to descriptor 1."""
    for piece in hexes:
        os.write(1, bytes.fromhex(piece))


@workflow
def writes_long(ctx: Context, size: int) -> None:
    """Write one long line."""
    print("é" * (size // 2))


@workflow
def uses_c_stdio(ctx: Context) -> None:
    """Leave text in C's own buffer."""
    import ctypes

    ctypes.CDLL(None).printf(b"by C\n")


@workflow
def closes_its_output(ctx: Context) -> float:
    """Close both streams; return the CPU seconds of a while of doing nothing."""
    os.close(1)
    os.close(2)
    before = time.process_time()
    time.sleep(0.3)
    return time.process_time() - before


@workflow
def raises(ctx: Context, text: str = "boom") -> None:
    """Raise."""
    raise LookupError(text)


@workflow
async def raises_async(ctx: Context) -> None:
    """Raise in the loop."""
    raise LookupError("boom")


@workflow
def exits(ctx: Context, code: int = 0) -> None:
    """Ask the interpreter to leave."""
    sys.exit(code)


@workflow
async def exits_async(ctx: Context) -> None:
    """Ask the interpreter to leave, in the loop."""
    sys.exit(3)


@workflow
def raises_the_unprintable(ctx: Context) -> None:
    """Raise what cannot be put in words."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    raise Mute


@workflow
def raises_a_surrogate(ctx: Context) -> None:
    """Raise with a text that UTF-8 has no bytes for."""
    raise LookupError("\ud800")


@workflow
def exits_in_a_thread(ctx: Context) -> str:
    """Lose two threads, one by an exception."""
    for end in (sys.exit, lambda: 1 / 0):
        thread = threading.Thread(target=end)
        thread.start()
        thread.join()
    return "alive"


@workflow
def returns_a_set(ctx: Context) -> Any:
    """Return what is not JSON."""
    return {"items": [1, {"x": {2}}]}


@workflow
def returns_too_much(ctx: Context) -> str:
    """Return more than a line may have."""
    return "x" * (1 << 20)


@workflow
def emits_what_it_may_not(ctx: Context) -> list[str]:
    """Emit what is refused, and go on."""
    told = []
    for kind, data in [
        ("log", {}),
        ("Bad Type", {}),
        ("step", {"items": [0, {"x": float("nan")}]}),
        ("step", {"pad": "x" * (1 << 20)}),
        ("step", [1]),
    ]:
        try:
            ctx.emit(kind, data)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            told.append(f"{type(error).__name__}: {error}")
    ctx.emit("step", {"last": True})
    return told


@workflow
async def works_in_agents(ctx: Context) -> None:
    """Agents inside one another and side by side."""

    async def work(name: str) -> None:
        async with ctx.agent(name) as agent:
            await asyncio.sleep(0)
            agent.message(f"I am {name}")
            with ctx.agent(f"{name}'s helper"):
                await asyncio.sleep(0)

    async with ctx.agent("Lead", task="plan") as lead:
        call = lead.tool_call("search", {"q": "x"})
        lead.tool_result(call, output=None)
        lead.handoff("A", task="do it")
        await asyncio.gather(work("A"), work("B"))
        await asyncio.to_thread(lead.delta, "w", message="m1")
        lead.output = {"ok": True}
    with contextlib.suppress(LookupError):
        async with ctx.agent("Unlucky"):
            raise LookupError("boom")
    with contextlib.suppress(TypeError):
        async with ctx.agent("Careless") as careless:
            careless.output = {1}
    ctx.progress(1, 2, "half")
    ctx.artifact("a.txt", "text/plain", text="hi")
    ctx.artifact("a.bin", "application/octet-stream", data=b"\xff\x00")


@workflow
async def asks(ctx: Context) -> list[Any]:
    """Ask twice, one after the other."""
    first = await ctx.ask("One?", schema={"type": "integer"})
    second = await ctx.ask("Two?")
    return [first, second]


@workflow
def asks_blocking(ctx: Context) -> list[Any]:
    """Ask twice, blocking."""
    return [ctx.ask("One?", schema={"type": "integer"}), ctx.ask("Two?")]


@workflow
def asks_badly(ctx: Context) -> list[str]:
    """Ask what cannot be asked, and go on."""
    told = []
    bad: list[Any] = [(1, None), ("x", []), ("\ud800", None), ("x", {"enum": {1}})]
    for prompt, schema in bad:
        try:
            ctx.ask(prompt, schema)
        except TypeError as error:
            told.append(str(error))
    return told


@workflow
async def asks_in_a_thread(ctx: Context) -> Any:
    """Ask in a thread of the loop's."""
    return await asyncio.to_thread(ctx.ask, "One?")


@workflow
async def waits(ctx: Context) -> None:
    """Wait for ever."""
    ctx.emit("ready_to_stop")
    await asyncio.Event().wait()


@workflow
async def catches_the_stop(ctx: Context) -> str:
    """Take a stop as a reason to finish early."""
    ctx.emit("ready_to_stop")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0)  # a second CancelledError would come here
        ctx.emit("cleaned_up")
    return "early"


@workflow
def looks_for_the_stop(ctx: Context, value: str | None = None) -> str | None:
    """Poll, then return `value`."""
    ctx.emit("ready_to_stop")
    while not ctx.cancelled:
        time.sleep(0.001)
    return value


@workflow
def cancels_itself(ctx: Context) -> None:
    """Raise CancelledError that nobody asked for."""
    raise asyncio.CancelledError


@workflow
def forks(ctx: Context) -> list[str]:
    """Fork a copy that tries to emit, prints why it may not, and returns from the workflow."""
    told, tell = os.pipe()
    ctx.emit("before")
    if os.fork() == 0:
        sockets = [held for held in descriptors().values() if held == "socket"]
        try:
            ctx.emit("from_the_copy")
        except RuntimeError as error:
            os.write(tell, f"{error}|{len(sockets)}".encode())
        return []
    os.close(tell)
    _, status = os.wait()
    ctx.emit("after")
    with os.fdopen(told) as reader:
        return [*reader.read().split("|"), str(status)]


@workflow
def forks_and_exits(ctx: Context) -> int:
    """Fork a copy that leaves with 7 from within the workflow; return its code."""
    if os.fork() == 0:
        sys.exit(7)
    _, status = os.wait()
    return os.waitstatus_to_exitcode(status)


@workflow
def uses_multiprocess(ctx: Context) -> int:
    """Use processes of its own, by fork and by a fork server of its own."""
    import multiprocess

    pids = set()
    for method in ("fork", "forkserver"):
        with multiprocess.get_context(method).Pool(1) as pool:
            pids.add(pool.apply(os.getpid))
    return len(pids)


@workflow
def tells_of_its_process(ctx: Context) -> dict[str, Any]:
    """Report what the process has and is."""
    import signal

    return {
        "leader": os.getpid() == os.getsid(0) == os.getpgrp(),
        "descriptors": descriptors(),
        "sigint": str(signal.getsignal(signal.SIGINT)),
        "main_thread": threading.current_thread() is threading.main_thread(),
        "threads": threading.active_count(),
    }


@workflow
def crashes(ctx: Context) -> None:
    """Die by SIGSEGV."""
    import ctypes

    ctypes.string_at(0)


@workflow
def names_its_parent(ctx: Context) -> None:
    """Tell who forked it, and wait."""
    ctx.emit("parent", {"pid": os.getppid()})
    ctx.ask("Go on?")


@workflow
async def asks_after_the_stop(ctx: Context) -> None:
    """Wait for an answer when nobody may give one any more."""
    ctx.emit("ready_to_stop")
    try:
        await asyncio.Event().wait()
    finally:
        await ctx.ask("Really?")


def not_a_workflow(ctx: Context) -> None:
    """Lack the decorator."""

"""Workflows that are told to stop: some listen, some don't."""

import asyncio
import os
import signal
import subprocess
import time

from workflows import Context, workflow


@workflow
async def listens(ctx: Context) -> None:
    """Waits where a cancel arrives."""
    ctx.emit("alive", {})
    await asyncio.Event().wait()


@workflow
def looks(ctx: Context) -> str:
    """Looks at `ctx.cancelled` between two steps, cleans up and returns."""
    ctx.emit("alive", {})
    while not ctx.cancelled:
        time.sleep(0.01)
    ctx.emit("cleaned_up", {})
    return "stopped in order"


@workflow
def spins(ctx: Context) -> None:
    """Computes without end and never looks up."""
    ctx.emit("alive", {})
    while True:
        pass


@workflow
async def swallows(ctx: Context) -> None:
    """Swallows every cancel."""
    ctx.emit("alive", {})
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ctx.emit("swallowed", {})


@workflow
def shields(ctx: Context) -> None:
    """Ignores every signal that can be ignored."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    ctx.emit("alive", {})
    while True:
        time.sleep(3600)


@workflow
def stops_itself(ctx: Context) -> None:
    """Takes SIGSTOP from its own hand."""
    ctx.emit("alive", {})
    os.kill(os.getpid(), signal.SIGSTOP)


@workflow
def forks_a_grandchild(ctx: Context, ending: str = "return") -> None:
    """Starts a program that would run for an hour, then returns, raises, dies or waits."""
    grandchild = subprocess.Popen(["sleep", "3600"])
    ctx.emit("grandchild", {"pid": grandchild.pid})
    if ending == "raise":
        raise RuntimeError("left a grandchild")
    if ending == "exit":
        os._exit(0)
    if ending == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if ending == "wait":
        grandchild.wait()

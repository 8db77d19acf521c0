"""The disk of the store is full, or fails."""

import asyncio
import time
from pathlib import Path

from chaos import disk
from chaos.arena import Arena
from chaos.scenario import scenario
from chaos.traffic import Traffic

MIB = 1 << 20
RECOVERED = 5.0


async def _condition(arena: Arena) -> str:
    """What ``/health/ready`` says of the store."""
    answer = await arena.api.call("GET", "/health/ready")
    return str(answer.json["store"])


async def _becomes(arena: Arena, *conditions: str) -> float:
    """Wait until the store is in one of these; the seconds that it took. Raises TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(60):
        while await _condition(arena) not in conditions:
            await asyncio.sleep(0.02)
    return time.monotonic() - began


@scenario("disk-full", size=30, ci=2, unit="fillings", needs=(disk.mounts_lacking,))
async def disk_full(arena: Arena) -> None:
    """The disk is filled and freed under load, again and again."""
    where = arena.enter(disk.small(arena.folder / "data", 64 * MIB))
    await arena.serve(data_dir=where, CANCEL_GRACE_SECONDS=1)
    async with Traffic(arena, runs=4, readers=12, rate=100) as traffic:
        for _ in range(arena.size):
            await asyncio.sleep(arena.dice.random())
            with disk.filled(where):
                await _becomes(arena, "full")
                await _while_full(arena)
            arena.figure("takes events again", await _becomes(arena, "healthy"), most=RECOVERED)
            traffic.check()


async def _while_full(arena: Arena) -> None:
    """What must go on without room: reading, and the ends of runs."""
    answer = await arena.api.call("POST", "/api/runs", {"workflow": "steady", "input": {}})
    arena.require(answer.status in (422, 503), f"a new run without room: {answer.status}")
    oldest = arena.runs[0]
    history = await arena.api.history(oldest.session)
    arena.require(oldest.run in history.runs, "what is kept can be read")
    await asyncio.sleep(arena.dice.random())


#: As strace's ``inject=`` has it; the first calls of a window, some of them, or all.
FAULTS = (
    "fdatasync,fsync:error=EIO",
    "pwrite64:error=ENOSPC",
    "fdatasync,fsync:error=EIO:when=1",
    "pwrite64:error=EIO",
    "fdatasync,fsync:error=EIO:when=2+3",
    "pwrite64:error=ENOSPC:when=2+2",
    "fdatasync,fsync:delay_enter=300000",
    "pwrite64:error=EIO:when=1",
)


@scenario("disk-errors", size=80, ci=3, unit="injections", needs=(disk.strace_lacking,))
async def disk_errors(arena: Arena) -> None:
    """Syncs and writes of the store fail or take long, under load."""
    await arena.serve()
    async with Traffic(arena, runs=4, readers=12, rate=100) as traffic:
        for number in range(arena.size):
            await asyncio.sleep(arena.dice.random())
            fault = FAULTS[(arena.seed + number) % len(FAULTS)]
            told, seconds = _told(arena), arena.dice.uniform(0.5, 2.0)
            with disk.injected(arena.server.pid, fault, _files(arena)):
                await asyncio.sleep(seconds)
            arena.figure("takes events again", await _becomes(arena, "healthy"), most=RECOVERED)
            felt = "delay" in fault or _told(arena) > told
            arena.require(felt, f"{fault} was felt by the store")
            traffic.check()


def _told(arena: Arena) -> int:
    """How often the store has said that something is wrong with its disk."""
    return sum('"event":"The store ' in line for line in arena.server.log.open())


def _files(arena: Arena) -> list[Path]:
    """The store's files, which are where SQLite puts them."""
    return [each for each in arena.server.data_dir.iterdir() if ".db" in each.name]

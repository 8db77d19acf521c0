"""Processes that are killed or stopped beside the server: the fork server, children."""

import asyncio
import contextlib
import os
import signal
import time

from chaos.arena import Arena
from chaos.scenario import scenario
from chaos.traffic import Traffic


@scenario("kill-forkserver", size=100, ci=5, unit="kills")
async def kill_forkserver(arena: Arena) -> None:
    """The fork server is killed with -9 while runs come and go."""
    await arena.serve()
    async with Traffic(arena, readers=10, events=(5, 40)) as traffic:
        for _ in range(arena.size):
            await asyncio.sleep(arena.dice.random() * 0.4)
            await arena.until(lambda: arena.server.fork_server() is not None)
            pid = arena.server.fork_server()
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            began = time.monotonic()
            # Its successor is killed only once it has forked: one that dies three times in a row
            # is one that cannot be had, and runs are told so.
            await arena.ended([await arena.start("steady", events=1)])
            arena.figure("next run, whole", time.monotonic() - began)
            traffic.check()


@scenario("freeze", size=60, ci=6, unit="freezes")
async def freeze(arena: Arena) -> None:
    """SIGSTOP and SIGCONT of the server, a child or the fork server, some for many heartbeats."""
    await arena.serve(HEARTBEAT_SECONDS=0.5)
    async with Traffic(arena, readers=15, events=(20, 100)) as traffic:
        for number in range(arena.size):
            await asyncio.sleep(arena.dice.random() * 0.3)
            pid = _chosen(arena, traffic, number % 3)
            if pid is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(arena.dice.choice((0.05, 0.3, 2.0)))
                os.kill(pid, signal.SIGCONT)
            if (seconds := await arena.current(traffic.subscribers)) is not None:
                arena.figure("subscribers current", seconds, most=3.0)
            traffic.check()


def _chosen(arena: Arena, traffic: Traffic, kind: int) -> int | None:
    if kind == 0:
        return arena.server.pid
    if kind == 1:
        return arena.server.fork_server()
    pids = [arena.journal(run).pid for run in traffic.going.values()]
    alive = [pid for pid in pids if pid in arena.server.processes()]
    return arena.dice.choice(alive) if alive else None

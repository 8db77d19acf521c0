"""A run and the servers that come and go over it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from chaos.proc import born
from tests.system.api import Api
from tests.system.processes import Server, StartServer

Identity = tuple[int, str]


def process_of(server: Server, run: str) -> Identity:
    """Return pid and start time of a run's process, as the server that started it logged it."""
    pid = server.wait_for_log("Multi-Agent Workflow Starting", run=run)["pid"]
    return pid, born(pid)


async def family(api: Api, server: Server, session: str) -> tuple[str, int, int]:
    """Start a run that has a grandchild and waits; return its id and both pids."""
    run = await api.start(session, "forks_a_grandchild", ending="wait")
    grandchild = (await api.reached(session, "grandchild"))["data"]["pid"]
    return run["id"], process_of(server, run["id"])[0], grandchild


def found_again(server: Server, run: str) -> Identity:
    """Wait until a later server has found a run's process; return pid and start time."""
    pid = server.wait_for_log("Run found again", run=run)["pid"]
    return pid, born(pid)


async def killed(server: Server) -> None:
    """Kill a server with SIGKILL, and wait for its end."""
    server.kill()
    await asyncio.to_thread(server.wait)


async def replaced(start_server: StartServer, server: Server, **settings: object) -> Server:
    """Kill a server with SIGKILL and return the next one, on the same port and data."""
    await killed(server)
    return start_server(server.data_dir, **{"PORT": server.port, **settings})


def ticks(events: Sequence[dict[str, Any]]) -> list[int]:
    """Return what a run counted, in the order of its log."""
    return [event["data"]["i"] for event in events if event["type"] == "tick"]

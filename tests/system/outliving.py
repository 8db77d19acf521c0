"""A run and the servers that come and go over it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.system.processes import Server, StartServer, birth

Identity = tuple[int, str]


def process_of(server: Server, run: str) -> Identity:
    """Return pid and start time of a run's process, as the server that started it logged it."""
    pid = server.wait_for_log("Multi-Agent Workflow Starting", run=run)["pid"]
    return pid, birth(pid)


def found_again(server: Server, run: str) -> Identity:
    """Wait until a later server has found a run's process; return pid and start time."""
    pid = server.wait_for_log("Run found again", run=run)["pid"]
    return pid, birth(pid)


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

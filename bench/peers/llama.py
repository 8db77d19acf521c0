"""llama-agents-server: a workflow that carries what its session's publisher sends.

The workflow runs inside the server, as it does there. The first argument is a file for its SQLite
store; without one it keeps everything in memory.
"""

import asyncio
import sys
from typing import Any

import uvicorn
from llama_agents.server import MemoryWorkflowStore, SqliteWorkflowStore, WorkflowServer
from workflows.events import Event, StartEvent, StopEvent

from bench.peers.lines import serve
from workflows import Context, Workflow, step

QUEUES: dict[int, asyncio.Queue[bytes]] = {}


class Carried(Event):
    """What readers see."""

    text: str


class Begin(StartEvent):
    """Which session to carry for; ``greets`` makes it say something at once and end."""

    session: int = 0
    greets: str = ""


class Carry(Workflow):
    """Passes a session's events on, for as long as it is let."""

    @step
    async def carry(self, ctx: Context, begin: Begin) -> StopEvent:
        """See the class."""
        if begin.greets:
            ctx.write_event_to_stream(Carried(text=begin.greets))
            return StopEvent(result="done")
        queue = QUEUES.setdefault(begin.session, asyncio.Queue())
        while True:
            ctx.write_event_to_stream(Carried(text=(await queue.get()).decode()))


def _take(session: int, lines: list[bytes]) -> None:
    queue = QUEUES.setdefault(session, asyncio.Queue())
    for line in lines:
        queue.put_nowait(line)


async def main() -> None:
    """Serve until stdin ends."""
    store: Any = SqliteWorkflowStore(sys.argv[1]) if sys.argv[1:] else MemoryWorkflowStore()
    server = WorkflowServer(workflow_store=store, sse_heartbeat_interval=None)
    server.add_workflow("carry", Carry(timeout=None))
    config = uvicorn.Config(server.app, port=0, log_level="error", backlog=4096)
    uvicorn_server = uvicorn.Server(config)
    serving = asyncio.ensure_future(uvicorn_server.serve())
    while not uvicorn_server.started:  # noqa: ASYNC110 - nothing says so
        await asyncio.sleep(0.01)
    port = uvicorn_server.servers[0].sockets[0].getsockname()[1]
    await serve(port, _take)
    uvicorn_server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())

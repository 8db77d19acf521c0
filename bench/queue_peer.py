"""What most write first: a queue and a task for each subscriber. Keeps nothing.

Serves ``/ws``; puts an event into every queue for each byte that it reads from stdin.
"""

import asyncio
import json
import sys
from typing import Any

from aiohttp import web


async def _serve() -> None:
    queues: set[asyncio.Queue[dict[str, Any]]] = set()

    async def subscribe(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        queues.add(queue)
        while True:
            await socket.send_json(await queue.get())

    app = web.Application()
    app.router.add_get("/ws", subscribe)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=4096)
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)

    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin
    )
    offset = 0
    while data := await stdin.read(1024):
        for _ in data:
            offset += 1
            event = {
                "offset": offset,
                "time": "2026-11-22T22:00:00.123456Z",
                "type": "agent_delta",
                "run": "r_aaaaaaaaaaaaaaaaaaaaaaaaa",
                "agent": "Coder",
                "span": "s1",
                "data": {"at": 123456789012345, "text": "x" * 70},
            }
            for queue in queues:
                queue.put_nowait(event)


if __name__ == "__main__":
    asyncio.run(_serve())

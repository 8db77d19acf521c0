"""What most write first: a queue and a task for each subscriber, ``send_json``. Keeps nothing."""

import asyncio
import json
from collections import defaultdict
from typing import Any

from aiohttp import web

from bench.peers.lines import serve

Queue = asyncio.Queue[dict[str, Any]]


class Hub:
    """The queues of each session."""

    def __init__(self) -> None:
        self._queues: dict[int, set[Queue]] = defaultdict(set)

    def put(self, session: int, lines: list[bytes]) -> None:
        """Give every subscriber the events."""
        for line in lines:
            event = json.loads(line)
            for queue in self._queues[session]:
                queue.put_nowait(event)

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve a subscriber."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        queue = self._subscribe(request)
        while True:
            await socket.send_json(await queue.get())

    async def event_stream(self, request: web.Request) -> web.StreamResponse:
        """Serve a subscriber that reads SSE."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        queue = self._subscribe(request)
        while True:
            event = await queue.get()
            await stream.write(f"id: {event['offset']}\ndata: {json.dumps(event)}\n\n".encode())

    def _subscribe(self, request: web.Request) -> Queue:
        queue = Queue()
        self._queues[int(request.match_info["session"])].add(queue)
        return queue


async def _serve() -> None:
    hub, app = Hub(), web.Application()
    app.router.add_get("/ws/{session}", hub.websocket)
    app.router.add_get("/sse/{session}", hub.event_stream)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    await serve(runner.addresses[0][1], hub.put)


if __name__ == "__main__":
    asyncio.run(_serve())

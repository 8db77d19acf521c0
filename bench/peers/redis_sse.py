"""Redis Pub/Sub behind an SSE handler of aiohttp: a subscription for each reader. Keeps nothing.

Redis runs beside it, on the same core.
"""

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path

from aiohttp import web
from redis import asyncio as aioredis

from bench.peers.lines import serve


async def _serve(address: str, pid: int) -> None:
    client = aioredis.Redis(unix_socket_path=address, max_connections=20_000)
    waiting: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
    publishing = asyncio.ensure_future(_publish(client, waiting))

    def take(session: int, lines: list[bytes]) -> None:
        for line in lines:
            waiting.put_nowait((session, line))

    async def event_stream(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        async with client.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(request.match_info["session"])
            await stream.prepare(request)
            async for message in subscription.listen():
                await stream.write(b"data: %b\n\n" % message["data"])
        return stream

    app = web.Application()
    app.router.add_get("/sse/{session}", event_stream)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    await serve(runner.addresses[0][1], take, pid)
    publishing.cancel()


async def _publish(client: aioredis.Redis, waiting: asyncio.Queue[tuple[int, bytes]]) -> None:
    """In order; what has come while one pipeline is under way goes with the next."""
    while True:
        first = await waiting.get()
        async with client.pipeline(transaction=False) as pipeline:
            pipeline.publish(str(first[0]), first[1])
            while not waiting.empty():
                session, line = waiting.get_nowait()
                pipeline.publish(str(session), line)
            await pipeline.execute()


def main() -> None:
    """Start Redis, then serve."""
    with tempfile.TemporaryDirectory(prefix="peer") as folder:
        address = str(Path(folder) / "redis")
        settings = ["--port", "0", "--unixsocket", address, "--save", "", "--dir", folder]
        process = subprocess.Popen(
            ["redis-server", *settings, "--maxclients", "20000"], stdout=subprocess.DEVNULL
        )
        try:
            while not Path(address).exists() and process.poll() is None:
                time.sleep(0.02)
            asyncio.run(_serve(address, process.pid))
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()

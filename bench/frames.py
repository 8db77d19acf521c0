"""What a browser would gain from arrays of events in one frame: Chromium, a page that only parses.

The contract has one frame for an event. The server writes many frames at once, so to it both are
the same; what could differ is the browser's work for a message.
"""

import asyncio
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from aiohttp import web
from playwright.sync_api import Page, sync_playwright

from bench.events import event
from bench.machine import CORES, pin_client
from bench.size import Size
from bench.table import Table
from server.web.frames import frame

CHROMIUM = Path("/usr/bin/chromium-headless-shell")
TOGETHER = (1, 10, 100)  # events in a frame; 1 is an event as it is, and not an array of one
WRITE = 64 * 1024

COUNT = """([url, wanted]) => new Promise((resolve) => {
  const socket = new WebSocket(url);
  let seen = 0, began = 0;
  socket.onmessage = ({ data }) => {
    began ||= performance.now();
    const said = JSON.parse(data);
    seen += Array.isArray(said) ? said.length : 1;
    if (seen >= wanted) resolve(performance.now() - began);
  };
})"""


def frames(size: Size) -> Table | str:
    """The table: the same events, so many in a frame."""
    if not CHROMIUM.exists():
        return f"frames: left out, there is no {CHROMIUM}\n"
    events, rounds = size.of(100_000, 5_000), size.of(5, 1)
    table = Table(
        f"{events:,} events in Chromium, parsed and counted",
        ["events in a frame", "events/s", "one in a frame : it", "bytes an event"],
    )
    took: dict[int, list[float]] = {together: [] for together in TOGETHER}
    os.sched_setaffinity(0, CORES)  # a browser is several processes
    with _serving(events) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(url)
        for _ in range(rounds + 1):
            for together, each in took.items():
                each.append(_seconds(page, url, together, events))
        browser.close()
    pin_client()
    for together, (_warm, *each) in took.items():
        ratio = median(b / a for a, b in zip(took[1][1:], each, strict=True))
        table.row(
            str(together),
            f"{events / median(each):,.0f}",
            f"{ratio:.2f}",
            f"{len(_framed(0, together)) / together:.0f}",
        )
    table.note(f"medians of {rounds} rounds; both cores")
    return table


def _seconds(page: Page, url: str, together: int, events: int) -> float:
    address = f"{url.replace('http', 'ws')}{together}"
    return float(page.evaluate(COUNT, [address, events])) / 1000


def _framed(first: int, together: int) -> bytes:
    some = [event(n, 0) for n in range(first, first + together)]
    return frame(some[0] if together == 1 else b"[" + b",".join(some) + b"]")


@contextmanager
def _serving(events: int) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        context = multiprocessing.get_context("fork")
        process = context.Process(target=_serve, args=(door, events), daemon=True)
        process.start()
        try:
            time.sleep(0.5)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.kill()
            process.join()


def _serve(door: socket.socket, events: int) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="", content_type="text/html")

    async def stream(request: web.Request) -> web.WebSocketResponse:
        together = int(request.match_info["together"])
        answer = web.WebSocketResponse(compress=False)
        writer = await answer.prepare(request)
        assert writer is not None and request.transport is not None
        said = b"".join([_framed(first, together) for first in range(0, events, together)])
        for at in range(0, len(said), WRITE):
            request.transport.write(said[at : at + WRITE])
            await writer.drain()
        async for _ in answer:
            pass
        return answer

    async def main() -> None:
        app = web.Application()
        app.add_routes([web.get("/", page), web.get(r"/{together:\d+}", stream)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.SockSite(runner, door).start()
        await asyncio.Event().wait()

    asyncio.run(main())

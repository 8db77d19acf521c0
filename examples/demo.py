"""The main job, end to end: a server, a run of ``strategy``, and a reader whose connection breaks.

``make demo`` starts a server of its own, runs the trading-strategy workflow on real prices, prints
the events as they come, cuts its own connection twice without a word, and counts at the end what
was lost or doubled against the history that the server keeps.
"""

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

#: After how many events the reader cuts its connection.
CUTS = (40, 160)
WIDTH = 88
WORKFLOW, INPUT = "strategy", {"symbols": ["AAPL", "IBM", "MSFT"], "rounds": 2}


@asynccontextmanager
async def a_server() -> AsyncIterator[str]:
    """A server on a free port with a log of its own; its address."""
    with tempfile.TemporaryDirectory() as data:
        settings = {"PORT": "0", "DATA_DIR": data, "LOG_FORMAT": "json"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", env=os.environ | settings, stdout=PIPE
        )
        try:
            address = await _listening(process)
            drain = asyncio.create_task(_discard(process))
            yield address
            drain.cancel()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _listening(process: Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        logged = json.loads(line)
        if logged["event"] == "Server listening":
            return str(logged["url"])
    raise SystemExit("the server did not start")


async def _discard(process: Process) -> None:
    assert process.stdout is not None
    async for _ in process.stdout:
        pass


class Reader:
    """Follows a session over WebSocket, remembers its cursor, and counts what is wrong."""

    def __init__(self, address: str, session: str):
        self._url = f"{address}/api/sessions/{session}/ws"
        self._cuts = list(CUTS)
        self.cursor = ""
        self.offsets: list[int] = []
        self.cuts = 0
        self._screen = Screen()

    async def follow(self) -> None:
        """Read to the end of the stream, over as many connections as it takes."""
        while not await self._read_one_connection():
            self.cuts += 1
            self._screen.flush()
            print(f"    ✂  the connection is cut; coming back with the cursor {self.cursor}")

    async def _read_one_connection(self) -> bool:
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(self._url, params={"after": self.cursor}) as socket,
        ):
            async for message in socket:
                frame = json.loads(message.data)
                if frame["type"] == "ready":
                    epoch = frame["epoch"]
                elif frame["type"] == "bye":
                    return True
                elif "offset" in frame:
                    self.cursor = f"{epoch}-{frame['offset']}"
                    self.offsets.append(frame["offset"])
                    self._screen.show(frame)
                if self._cuts and len(self.offsets) >= self._cuts[0]:
                    self._cuts.pop(0)
                    await client.close()  # the connection ends without a close frame
                    return False
        return False


class Screen:
    """One line for an event; the pieces of messages, which come by the hundred, are counted."""

    def __init__(self) -> None:
        self._pieces: list[int] = []

    def show(self, event: dict[str, Any]) -> None:
        """Print it, or count it."""
        if event["type"] == "agent_delta":
            self._pieces.append(event["offset"])
            return
        self.flush()
        line(str(event["offset"]), event["type"], event.get("agent", ""), text_of(event))

    def flush(self) -> None:
        """Print what was counted."""
        if self._pieces:
            line(f"{self._pieces[0]}–", "agent_delta", "", f"{len(self._pieces)} pieces of text")
            self._pieces.clear()


def line(offset: str, kind: str, agent: str, text: str) -> None:
    """Print a line that fits a terminal."""
    print(f"{offset:>5}  {kind:<14} {agent:<13} {text[:WIDTH]}")


def text_of(event: dict[str, Any]) -> str:
    """What an event says, in words where its type has them."""
    data = event["data"]
    match event["type"]:
        case "agent_message":
            return " ".join(data["text"].split())
        case "artifact":
            return f"{data['name']} ({data['media_type']}, {len(data.get('text', ''))} characters)"
        case "progress":
            return f"{data['done']}/{data['total']} {data.get('label', '')}"
        case "handoff":
            return f"→ {data['to']}: {data.get('task', '')}"
        case "agent_start":
            return str(data.get("task", ""))
    return json.dumps(data, ensure_ascii=False)


async def main() -> int:
    """Run it; 0 if nothing was lost or doubled."""
    async with a_server() as address, aiohttp.ClientSession() as client:
        start = {"workflow": WORKFLOW, "input": INPUT}
        async with client.post(f"{address}/api/runs", json=start) as answer:
            run = await answer.json()
            if answer.status != 202:
                raise SystemExit(run["error"]["message"])
        reader = Reader(address, run["session"])
        await reader.follow()
        history = await read_history(client, address, run["session"])
    seen = set(reader.offsets)
    lost = len(set(history) - seen)
    doubled = len(reader.offsets) - len(seen)
    print(f"\nevents={len(history)} cuts={reader.cuts} lost={lost} doubled={doubled}")
    return 1 if lost or doubled or reader.offsets != history else 0


async def read_history(client: aiohttp.ClientSession, address: str, session: str) -> list[int]:
    """The offsets of all that the server has of the session."""
    offsets: list[int] = []
    after = ""
    while True:
        url = f"{address}/api/sessions/{session}/events"
        async with client.get(url, params={"after": after}) as answer:
            page = await answer.json()
        offsets += [event["offset"] for event in page["events"]]
        after = page["next"]
        if not page["events"]:
            return offsets


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

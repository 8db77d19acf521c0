"""What the peers that are written in Python share: sessions' sockets, and lines from them."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

Take = Callable[[int, list[bytes]], None]  # of a session, the events of one read


def announce(port: int, address: str, *pids: int) -> None:
    """Say that readers and publishers may come."""
    print(json.dumps({"port": port, "address": address, "pids": pids}), flush=True)


class Publisher(asyncio.Protocol):
    """A session's socket; its first line is the session's number."""

    def __init__(self, take: Take):
        self._take = take
        self._rest = b""
        self._session: int | None = None

    def data_received(self, data: bytes) -> None:
        """Pass the whole lines on."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._session is None and lines:
            self._session = int(lines.pop(0))
        if lines:
            assert self._session is not None
            self._take(self._session, lines)


async def serve(port: int, take: Take, *pids: int) -> None:
    """Have ``take`` called with what publishers send, until stdin ends."""
    with tempfile.TemporaryDirectory(prefix="peer") as folder:
        address = str(Path(folder) / "s")
        loop = asyncio.get_running_loop()
        await loop.create_unix_server(lambda: Publisher(take), address, backlog=4096)
        announce(port, address, *pids)
        await asyncio.to_thread(sys.stdin.read)

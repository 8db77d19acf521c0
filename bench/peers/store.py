"""The least that commits before it sends: a socket pair a session, SQLite in a thread, no promises.

No runs, no checks, no numbers that survive, no catch-up: a line that comes in on a session's Unix
socket is a row of a table in rowid order (synchronous=FULL, groups committed together in a thread)
and then a frame to the session's reader. What Keepstream costs more is what its promises cost.
"""

import asyncio
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import msgspec

from bench.peers.lines import serve

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
Row = tuple[int, int, bytes]


class Line(msgspec.Struct):
    """What a line has to have."""

    type: str
    data: msgspec.Raw


class Store:
    """Rows in groups: what arrives while one commits goes with the next."""

    def __init__(self, path: Path):
        self._connection = apsw.Connection(str(path))
        self._connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE events (session, offset, body)")
        self._thread = ThreadPoolExecutor(1)
        self._rows: list[Row] = []
        self._last: dict[int, int] = defaultdict(int)
        self._busy = False

    def add(self, session: int, lines: list[bytes]) -> None:
        """Number and commit soon."""
        for line in lines:
            msgspec.json.decode(line, type=Line)
            self._last[session] += 1
            self._rows.append((session, self._last[session], line))
        if not self._busy:
            self._busy = True
            self._committing = asyncio.ensure_future(self._commit())

    async def _commit(self) -> None:
        while self._rows:
            rows, self._rows = self._rows, []
            await asyncio.get_running_loop().run_in_executor(self._thread, self._insert, rows)
            for session, _, body in rows:
                READERS[session].write(b"\x81\x7e" + len(body).to_bytes(2, "big") + body)
        self._busy = False

    def _insert(self, rows: list[Row]) -> None:
        with self._connection:
            self._connection.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)


READERS: dict[int, asyncio.Transport] = {}


class Reader(asyncio.Protocol):
    """A reader; the path that it asks for ends in its session's number."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer it."""
        READERS[int(data.split(b" ", 2)[1].rpartition(b"/")[2])] = self._transport
        self._transport.write(UPGRADED)


async def main() -> None:
    """Serve until stdin ends."""
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="peer") as folder:
        store = Store(Path(folder) / "db")
        server = await loop.create_server(Reader, "127.0.0.1", 0, backlog=4096)
        await serve(server.sockets[0].getsockname()[1], store.add)


if __name__ == "__main__":
    asyncio.run(main())

"""The least that commits before it sends: a socket pair a session, SQLite in a thread, no promises.

No runs, no checks, no numbers that survive, no catch-up: a line that comes in on a session's Unix
socket is a row of a table in rowid order (synchronous=FULL, groups committed together in a thread)
and then a frame to the session's reader. What Keepstream costs more is what its promises cost.
"""

import asyncio
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import msgspec

from server.web.websocket import frame

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
Row = tuple[int, int, bytes]


class Line(msgspec.Struct):
    """What a line has to have."""

    n: int
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
        self._busy = False

    def add(self, row: Row) -> None:
        """Commit soon."""
        self._rows.append(row)
        if not self._busy:
            self._busy = True
            self._committing = asyncio.ensure_future(self._commit())

    async def _commit(self) -> None:
        while self._rows:
            rows, self._rows = self._rows, []
            await asyncio.get_running_loop().run_in_executor(self._thread, self._insert, rows)
            for session, _, body in rows:
                READERS[session].write(frame(body))
        self._busy = False

    def _insert(self, rows: list[Row]) -> None:
        with self._connection:
            self._connection.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)


READERS: dict[int, asyncio.Transport] = {}


class Child(asyncio.Protocol):
    """A session's socket; its first line is its number."""

    def __init__(self, store: Store):
        self._store = store
        self._rest = b""
        self._session: int | None = None
        self._offset = 0

    def data_received(self, data: bytes) -> None:
        """Number and store each line."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._session is None:
                self._session = int(line)
                continue
            read = msgspec.json.decode(line, type=Line)
            self._offset += 1
            body = b'{"offset":%d,"type":"%b","data":%b}' % (
                self._offset,
                read.type.encode(),
                read.data,
            )
            self._store.add((self._session, self._offset, body))


class Reader(asyncio.Protocol):
    """A reader; the path that it asks for is its session's number."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer it."""
        READERS[int(data.split(b" ", 2)[1][1:])] = self._transport
        self._transport.write(UPGRADED)


async def main() -> None:
    """Serve until stdin ends."""
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="peer") as folder:
        store, address = Store(Path(folder) / "db"), str(Path(folder) / "s")
        server = await loop.create_server(Reader, "127.0.0.1", 0, backlog=4096)
        await loop.create_unix_server(lambda: Child(store), address, backlog=4096)
        port = server.sockets[0].getsockname()[1]
        print(json.dumps({"port": port, "address": address}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())

"""What stands between a client and the server: a TCP proxy, whose behaviour is its subclass's."""

import asyncio
import contextlib
import socket
import struct
from asyncio import StreamReader, StreamWriter
from types import TracebackType
from typing import NamedTuple, Self


class Side(NamedTuple):
    """One of the two connections that a proxy joins."""

    reader: StreamReader
    writer: StreamWriter


class Proxy:
    """Accepts on a port of its own what is meant for ``port`` on loopback."""

    host = "127.0.0.1"

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: dict[asyncio.Task[None], list[StreamWriter]] = {}
        self.connections = 0

    @property
    def url(self) -> str:
        """The server's url through this proxy."""
        return f"http://{self.host}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, 0, backlog=1024)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        while self._open:  # asyncio.streams reports a cancelled handler as an error: reset instead
            self.reset_all()
            await asyncio.wait(list(self._open), timeout=0.1)
        await self._server.wait_closed()

    def reset_all(self) -> None:
        """Reset every connection that is open now."""
        for writers in self._open.values():
            for writer in writers:
                reset(writer)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections += 1
        self._open[task] = [writer]
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.serve(self.connections, Side(reader, writer))
        finally:
            for each in self._open.pop(task):
                each.close()

    async def onward(self) -> Side:
        """Connect to the server, for the connection that is being served. Raises OSError."""
        side = Side(*await asyncio.open_connection("127.0.0.1", self._target))
        task = asyncio.current_task()
        assert task is not None
        self._open[task].append(side.writer)
        return side

    async def serve(self, number: int, client: Side) -> None:
        """Do what is to be done with a connection, the ``number``-th; it is closed afterwards."""
        raise NotImplementedError


def reset(writer: StreamWriter) -> None:
    """Close with RST: SO_LINGER with a time of 0 (socket(7))."""
    if not writer.transport.is_closing():
        peer: socket.socket = writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

"""What stands between a browser and the server in some offices: a proxy with ideas of its own."""

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Self

Upgrades = Literal["pass", "refuse", "swallow"]
Tamper = Callable[[bytes], list[bytes]]
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def untouched(payload: bytes) -> list[bytes]:
    """Hand a message on as it is."""
    return [payload]


class Middlebox:
    """Forwards connections to `port` on loopback, byte by byte but for WebSockets.

    Their upgrades are passed, refused with 403, or swallowed: read and never answered. What the
    server says on one that was passed goes through `tamper`, message by message.
    """

    def __init__(self, port: int, upgrades: Upgrades = "pass", tamper: Tamper = untouched) -> None:
        self._target = port
        self.policy = upgrades
        self.tamper = tamper
        self.upgrades = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The server's url through this box."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        # A browser never upgrades a connection that it has used before: its first head decides.
        head = await reader.readuntil(b"\r\n\r\n")
        upgrade = b"upgrade: websocket" in head.lower()
        self.upgrades += upgrade
        if upgrade and self.policy == "refuse":
            writer.write(REFUSAL)
            await writer.drain()
        elif upgrade and self.policy == "swallow":
            await reader.read()
        else:
            await self._forward(head, upgrade, reader, writer)

    async def _forward(
        self, head: bytes, upgrade: bool, reader: StreamReader, writer: StreamWriter
    ) -> None:
        source, sink = await asyncio.open_connection("127.0.0.1", self._target)
        sink.write(head)
        back = self._messages(source, writer) if upgrade else _copy(source, writer)
        directions = [asyncio.create_task(_copy(reader, sink)), asyncio.create_task(back)]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            sink.close()

    async def _messages(self, source: StreamReader, writer: StreamWriter) -> None:
        writer.write(await source.readuntil(b"\r\n\r\n"))
        while True:
            opcode, payload = await _frame(source)
            for each in self.tamper(payload) if opcode == 0x81 else [payload]:
                writer.write(_head(opcode, len(each)) + each)
            await writer.drain()


async def _copy(source: StreamReader, sink: StreamWriter) -> None:
    while piece := await source.read(65536):
        sink.write(piece)
        await sink.drain()


async def _frame(source: StreamReader) -> tuple[int, bytes]:
    """Read one frame of a server: unmasked (RFC 6455, section 5.2)."""
    opcode, size = await source.readexactly(2)
    if size > 125:
        size = int.from_bytes(await source.readexactly(2 if size == 126 else 8))
    return opcode, await source.readexactly(size)


def _head(opcode: int, size: int) -> bytes:
    if size < 126:
        return bytes([opcode, size])
    if size < 65536:
        return bytes([opcode, 126]) + size.to_bytes(2)
    return bytes([opcode, 127]) + size.to_bytes(8)

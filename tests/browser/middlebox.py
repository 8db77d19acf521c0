"""What stands between a browser and the server in some offices: a proxy with ideas of its own."""

import asyncio
from asyncio import StreamReader
from collections.abc import Callable
from typing import Literal

from chaos.proxy import Proxy, Side

Upgrades = Literal["pass", "refuse", "swallow"]
Streams = Literal["pass", "hold"]
Tamper = Callable[[bytes], list[bytes]]
EVENT_STREAM = b"Content-Type: text/event-stream"
LAST_CHUNK = b"0\r\n\r\n"
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def untouched(payload: bytes) -> list[bytes]:
    """Hand a message on as it is."""
    return [payload]


class Middlebox(Proxy):
    """Forwards connections to `port` on loopback, byte by byte but for WebSockets.

    Their upgrades are passed, refused with 403, or swallowed: read and never answered. What the
    server says on one that was passed goes through `tamper`, message by message. The body of an
    event stream is passed, or held until it has ended, as by what looks for viruses in it.
    """

    def __init__(
        self,
        port: int,
        upgrades: Upgrades = "pass",
        tamper: Tamper = untouched,
        streams: Streams = "pass",
    ) -> None:
        super().__init__(port)
        self.policy = upgrades
        self.tamper = tamper
        self.streams = streams
        self.closed = False  # whether connections are dropped as soon as they are made
        self.upgrades = 0
        self._mute = 0

    def mute(self) -> None:
        """Hand nothing of the server's on any more on the connections that there are now."""
        self._mute = self.connections

    async def serve(self, number: int, client: Side) -> None:
        """Do with an upgrade as the policy says, and forward the rest."""
        if self.closed:
            return
        # A browser never upgrades a connection that it has used before: its first head decides.
        head = await client.reader.readuntil(b"\r\n\r\n")
        upgrade = b"upgrade: websocket" in head.lower()
        self.upgrades += upgrade
        if upgrade and self.policy == "refuse":
            client.writer.write(REFUSAL)
            await client.writer.drain()
        elif upgrade and self.policy == "swallow":
            await client.reader.read()
        else:
            await self._forward(number, head, upgrade, client)

    async def _forward(self, number: int, head: bytes, upgrade: bool, client: Side) -> None:
        server = await self.onward()
        server.writer.write(head)
        back = self._messages if upgrade else self._answers
        directions = [
            asyncio.create_task(_copy(client, server)),
            asyncio.create_task(back(number, server, client)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _answers(self, number: int, source: Side, sink: Side) -> None:
        held: bytes | None = None
        while piece := await source.reader.read(65536):
            if held is None and self.streams == "hold" and EVENT_STREAM in piece:
                head, _, piece = piece.partition(b"\r\n\r\n")
                sink.writer.write(head + b"\r\n\r\n")
                held = b""
            if held is not None:
                held += piece
                if not held.endswith(LAST_CHUNK):
                    continue
                piece, held = held, None
            await self._hand_on(number, piece, sink)

    async def _messages(self, number: int, source: Side, sink: Side) -> None:
        sink.writer.write(await source.reader.readuntil(b"\r\n\r\n"))
        while True:
            opcode, payload = await _frame(source.reader)
            for each in self.tamper(payload) if opcode == 0x81 else [payload]:
                await self._hand_on(number, _head(opcode, len(each)) + each, sink)

    async def _hand_on(self, number: int, piece: bytes, sink: Side) -> None:
        if number > self._mute:
            sink.writer.write(piece)
            await sink.writer.drain()


async def _copy(source: Side, sink: Side) -> None:
    while piece := await source.reader.read(65536):
        sink.writer.write(piece)
        await sink.writer.drain()


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

"""A subscriber that does not read as it should: not at all, drop by drop, or from far behind."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

from chaos.lines import Line
from chaos.reader import Reader

#: Seconds of silence: it knows why nothing comes.
PATIENT = 3600.0


class Reluctant(Reader):
    """Reads as any reader until it is told otherwise."""

    def __init__(
        self,
        *,
        receive_buffer: int = 0,
        make: Callable[[], socket.socket] = socket.socket,
        **options: Any,
    ) -> None:
        """``make`` gives it its sockets, ``receive_buffer`` is their ``SO_RCVBUF`` unless 0."""
        super().__init__(**{"silence": PATIENT, **options})
        self._receive_buffer = receive_buffer
        self._make = make
        self._may_come = asyncio.Event()
        self._may_come.set()
        self._within = 0.0
        self.came = 0.0
        """When its last connection was made, by the loop's clock."""
        self._stalled = False
        self._line: Line | None = None
        self._socket: socket.socket | None = None

    async def _open(self, line: Line) -> asyncio.Transport:
        await self._may_come.wait()
        await asyncio.sleep(self._within * self._dice.random())
        opened = self._make()
        try:
            opened.setblocking(False)
            if self._receive_buffer:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(opened, self.peer)
            transport, _ = await loop.create_connection(lambda: line, sock=opened)
        except BaseException:
            opened.close()
            raise
        self._line, self._socket, self.came = line, opened, loop.time()
        if self._stalled:
            transport.pause_reading()
        return transport

    @property
    def alive(self) -> bool:
        """Whether its connection is there."""
        return self._line is not None and not self._line.over.done()

    def leave(self) -> None:
        """Reset the connection, and stay away until :meth:`come_back`."""
        self._may_come.clear()
        if self._line is not None:
            self._line.transport.abort()

    def come_back(self, within: float) -> None:
        """Connect again, at a drawn moment of so many seconds."""
        self._within = within
        self._may_come.set()

    def stall(self) -> None:
        """Read nothing from now on, on this connection and those to come."""
        self._stalled = True
        if self._line is not None and self.alive:
            self._line.transport.pause_reading()

    def read_on(self) -> None:
        """Read again."""
        self._stalled = False
        if self._line is not None and self.alive:
            self._line.transport.resume_reading()

    def sip(self) -> None:
        """Read one byte, as one that is stalled."""
        if self._line is None or self._socket is None or not self.alive:
            return
        with contextlib.suppress(BlockingIOError, OSError):
            if byte := self._socket.recv(1):
                self._line.data_received(byte)

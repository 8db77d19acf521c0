"""The socket between a child and the server: bytes arrive in pieces, late, or not at all."""

import asyncio
import struct
from typing import Any

#: What the kernel keeps in one direction: a few lines, so that it fills up.
CAPACITY = 150


class Pipe:
    """Both ends of one connection."""

    def __init__(self, pid: int, loop: asyncio.AbstractEventLoop) -> None:
        self.pid = pid
        self.up = bytearray()  # on the way to the server
        self.down = bytearray()  # on the way to the child
        self.cut = False  # nothing that is written arrives any more
        self.near = Near(self)
        self.far = Far(self, loop)

    def cut_off(self) -> None:
        """Break it; what has arrived can be read."""
        self.cut = True


class Near:
    """The child's end: what :class:`workflows.runtime.outbox.Outbox` and its listener use."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.open = True

    def send(self, data: bytes, _flags: int = 0) -> int:
        """Take as much as there is room for."""
        pipe = self._pipe
        if pipe.cut or pipe.far.closed or not self.open:
            raise BrokenPipeError
        room = CAPACITY - len(pipe.up)
        if room <= 0:
            raise BlockingIOError
        pipe.up += data[:room]
        return min(room, len(data))

    def sendmsg(self, pieces: list[bytes], _ancillary: object = (), _flags: int = 0) -> int:
        """Take as much as there is room for."""
        return self.send(b"".join(pieces))

    def sendall(self, data: bytes) -> None:
        """Take all of it: a hello."""
        self._pipe.up += data

    def recv(self, size: int) -> bytes:
        """What has arrived; nothing at the end."""
        down = self._pipe.down
        data = bytes(down[:size])
        del down[:size]
        if not data and not self._pipe.cut and not self._pipe.far.closed:
            raise BlockingIOError
        return data

    def close(self) -> None:
        """Hang up."""
        self.open = False

    @property
    def readable(self) -> bool:
        """Whether there is something to read, or the end."""
        return bool(self._pipe.down) or self._pipe.cut or self._pipe.far.closed

    @property
    def writable(self) -> bool:
        """Whether there is room."""
        return len(self._pipe.up) < CAPACITY or self._pipe.cut or self._pipe.far.closed


class Far(asyncio.Transport):
    """The server's end: the transport of a :class:`server.runs.connection.Connection`."""

    def __init__(self, pipe: Pipe, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.closed = False
        self.paused = False
        self.protocol: Any = None
        self.spare = Spare(pipe)
        self._pipe = pipe
        self._loop = loop
        self._lost = False

    # -- what the world does

    @property
    def readable(self) -> bool:
        """Whether the protocol has something to be told."""
        if self.spare.ready is None and (self.closed or self.paused):
            return False
        return bool(self._pipe.up) or self._pipe.cut or not self._pipe.near.open

    def read(self, size: int) -> None:
        """Give the protocol what has arrived, or the news of the end."""
        if self.spare.ready is not None:
            self.spare.ready(size)
            return
        data = bytes(self._pipe.up[:size])
        del self._pipe.up[:size]
        if data:
            self.protocol.data_received(data)
        else:
            self.close()

    # -- what the connection does with its transport and its socket

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: D102
        return self

    def getsockopt(self, *_: int) -> bytes:
        """Who is there, on the kernel's word."""
        return struct.pack("3i", self._pipe.pid, 0, 0)

    def dup(self) -> "Spare":
        """Another descriptor of the same socket."""
        return self.spare

    def is_closing(self) -> bool:  # noqa: D102
        return self.closed

    def pause_reading(self) -> None:  # noqa: D102
        self.paused = True

    def resume_reading(self) -> None:  # noqa: D102
        self.paused = False

    def write(self, data: Any) -> None:  # noqa: D102
        if self._pipe.cut or not self._pipe.near.open:
            self.close()  # as asyncio does when a write fails
        else:
            self._pipe.down += data

    def close(self) -> None:  # noqa: D102
        self.closed = True
        if not self._lost:
            self._lost = True
            self._loop.call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:  # noqa: D102
        self.close()


class Spare:
    """A second descriptor of the server's end, by which all is read that follows the hello."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe: Pipe | None = pipe
        self.ready: Any = None  # called when the world has bytes for it

    def fileno(self) -> "Spare":
        """What an inlet watches it by."""
        return self

    def recv_into(self, buffer: bytearray, size: int) -> int:
        """What has arrived, into ``buffer``."""
        data = self.recv(min(size, len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def recv(self, size: int) -> bytes:
        """What has arrived; BlockingIOError when there is no more yet."""
        assert self._pipe is not None
        up = self._pipe.up
        data = bytes(up[:size])
        del up[:size]
        if not data and not self._pipe.cut and self._pipe.near.open:
            raise BlockingIOError
        return data

    def close(self) -> None:
        """Let go."""
        self._pipe = None

    def shutdown(self, _how: int) -> None:
        """Nothing: the other end finds out by itself."""

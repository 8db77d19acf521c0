"""A bad network as a context manager: a TCP proxy whose every connection has a drawn fate."""

import asyncio
import contextlib
import random
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

Ending = Literal["close", "reset", "half_close", "stall"]
ENDINGS: tuple[Ending, ...] = ("close", "reset", "half_close", "stall")
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Plan:
    """The fate of one connection; bytes are counted from its start.

    After `up` bytes from the client, or `down` from the server, the ending comes: both sides are
    closed, or reset; or only the cut direction ends (`half_close`); or what it carries from then
    on vanishes and nobody is told (`stall`). `drip` hands on at most so many bytes at a time.
    """

    up: int | None = None
    down: int | None = None
    ending: Ending = "close"
    drip: int | None = None


def sound(_: random.Random) -> Plan:
    """Draw a connection that nothing happens to."""
    return Plan()


def cutting(most: int, *endings: Ending) -> Callable[[random.Random], Plan]:
    """Return a draw that cuts every connection, before byte `most`; early bytes are likelier.

    One in eight is cut on its way to the server: in the request's own line or headers.
    """

    def draw(dice: random.Random) -> Plan:
        ending = dice.choice(endings or ("close", "reset"))
        drip = dice.choice((None, None, None, 1, 7, 200))
        if dice.random() < 1 / 8:
            return Plan(up=dice.randint(0, 250), ending=ending, drip=drip)
        at = int(most * dice.random() ** 2)
        return Plan(down=at, ending=ending, drip=drip)

    return draw


class BadNetwork:
    """Forwards connections to `port` on loopback, each by a plan drawn from `seed` and its number.

    The draws are the same for the same seed, whatever the timing. `fates` counts what was done;
    a connection that ended before its cut isn't in it.
    """

    def __init__(
        self, port: int, draw: Callable[[random.Random], Plan] = sound, seed: int = 0
    ) -> None:
        self._target = port
        self.draw = draw
        self._seed = seed
        self._open: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self.connections = 0
        self.pieces = 0
        self.fates: Counter[Ending] = Counter()

    @property
    def cuts(self) -> int:
        """How many connections came to their drawn end."""
        return self.fates.total()

    @property
    def url(self) -> str:
        """The server's url through this network."""
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
        while self._open:  # asyncio.streams reports a cancelled handler as an error: reset instead
            self.reset_all()
            await asyncio.wait(list(self._open), timeout=0.1)
        await self._server.wait_closed()

    def reset_all(self) -> None:
        """Reset every connection that is open now."""
        for writers in self._open.values():
            for writer in writers:
                _reset(writer)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections += 1
        plan = self.draw(random.Random(f"{self._seed}:{self.connections}"))
        self._open[task] = [writer]
        try:
            onward = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
        else:
            self._open[task].append(onward[1])
            await self._carry(plan, (reader, writer), onward)
        finally:
            for each in self._open.pop(task):
                each.close()

    async def _carry(
        self,
        plan: Plan,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """Carry both directions until both have ended or the plan's ending is for both."""
        writers = (client[1], server[1])
        directions = {
            asyncio.create_task(self._pump(plan, plan.up, client[0], server[1], writers)),
            asyncio.create_task(self._pump(plan, plan.down, server[0], client[1], writers)),
        }
        try:
            while directions:
                done, directions = await asyncio.wait(
                    directions, return_when=asyncio.FIRST_COMPLETED
                )
                if any(task.result() for task in done):
                    return
        finally:
            for task in directions:
                task.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _pump(
        self,
        plan: Plan,
        limit: int | None,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> bool:
        """Carry one direction; True when the whole connection is to end now."""
        try:
            if not await self._forward(limit, plan.drip or CHUNK, source, sink):
                _end_of_file(sink)
                return False
        except OSError:
            return True
        self.fates[plan.ending] += 1
        if plan.ending == "stall":
            with contextlib.suppress(OSError):
                while await source.read(CHUNK):
                    pass
            return True
        if plan.ending == "half_close":
            _end_of_file(sink)
            return False
        if plan.ending == "reset":
            for writer in writers:
                _reset(writer)
        return True

    async def _forward(
        self,
        limit: int | None,
        most: int,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
    ) -> bool:
        """Hand bytes on; True at the limit, False at the end of what there is."""
        passed = 0
        while limit is None or passed < limit:
            piece = await source.read(most if limit is None else min(most, limit - passed))
            if not piece:
                return False
            sink.write(piece)
            await sink.drain()
            passed += len(piece)
            self.pieces += 1
        return True


def _end_of_file(sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        if sink.can_write_eof() and not sink.is_closing():
            sink.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: SO_LINGER with a time of 0 (socket(7))."""
    if not writer.transport.is_closing():
        peer: socket.socket = writer.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

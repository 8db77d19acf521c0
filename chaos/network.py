"""A bad network as a context manager: a proxy whose every connection has a drawn fate."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chaos.proxy import Proxy, Side, reset

Ending = Literal["close", "reset", "half_close", "stall"]
ENDINGS: tuple[Ending, ...] = ("close", "reset", "half_close", "stall")
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Plan:
    """The fate of one connection; bytes are counted from its start.

    After ``up`` bytes from the client, or ``down`` from the server, the ending comes: both sides
    are closed, or reset; or only the cut direction ends (``half_close``); or what it carries from
    then on vanishes and nobody is told (``stall``). ``drip`` hands on at most so many bytes at a
    time.
    """

    up: int | None = None
    down: int | None = None
    ending: Ending = "close"
    drip: int | None = None


Draw = Callable[[random.Random], Plan]


def sound(_: random.Random) -> Plan:
    """Draw a connection that nothing happens to."""
    return Plan()


def cutting(most: int, *endings: Ending) -> Draw:
    """Return a draw that cuts every connection, before byte ``most``; early bytes are likelier.

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


class BadNetwork(Proxy):
    """Forwards connections to ``port`` on loopback, each by a plan drawn from ``seed``.

    The draws are the same for the same seed and number of the connection, whatever the timing.
    ``fates`` counts what was done; a connection that ended before its cut isn't in it.
    """

    def __init__(self, port: int, draw: Draw = sound, seed: int = 0) -> None:
        super().__init__(port)
        self.draw = draw
        self._seed = seed
        self.pieces = 0
        self.fates: Counter[Ending] = Counter()

    @property
    def cuts(self) -> int:
        """How many connections came to their drawn end."""
        return self.fates.total()

    async def serve(self, number: int, client: Side) -> None:
        """Carry both directions until both have ended, or the plan's ending is for both."""
        plan = self.draw(random.Random(f"{self._seed}:{number}"))
        try:
            server = await self.onward()
        except OSError:
            reset(client.writer)
            return
        directions = {
            asyncio.create_task(self._pump(plan, plan.up, client, server)),
            asyncio.create_task(self._pump(plan, plan.down, server, client)),
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

    async def _pump(self, plan: Plan, limit: int | None, source: Side, sink: Side) -> bool:
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
                while await source.reader.read(CHUNK):
                    pass
            return True
        if plan.ending == "half_close":
            _end_of_file(sink)
            return False
        if plan.ending == "reset":
            for side in (source, sink):
                reset(side.writer)
        return True

    async def _forward(self, limit: int | None, most: int, source: Side, sink: Side) -> bool:
        """Hand bytes on; True at the limit, False at the end of what there is."""
        passed = 0
        while limit is None or passed < limit:
            size = most if limit is None else min(most, limit - passed)
            piece = await source.reader.read(size)
            if not piece:
                return False
            sink.writer.write(piece)
            await sink.writer.drain()
            passed += len(piece)
            self.pieces += 1
        return True


def _end_of_file(sink: Side) -> None:
    with contextlib.suppress(OSError):
        if sink.writer.can_write_eof() and not sink.writer.is_closing():
            sink.writer.write_eof()

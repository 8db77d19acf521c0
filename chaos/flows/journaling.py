"""A workflow's context that notes what it emits and what the server has acknowledged."""

import random
from collections.abc import Callable
from typing import Any

from chaos.journal import Pen
from workflows import Context


class Noted:
    """Emits numbered events through ``ctx``; one thread, and nothing else may emit or print."""

    def __init__(self, ctx: Context, journal: str, seed: int = 0, size: int = 60) -> None:
        """``size`` is the mean of the padding's length; ``seed`` and the number give each one."""
        self._ctx = ctx
        self._pen = Pen(journal)
        self._dice = random.Random(seed)
        self._size = size
        self.k = 0
        self.dying = self._pen.dying
        _overhear(ctx._outbox, self._pen.acked)

    def emit(self, **more: Any) -> None:
        """Emit the next event."""
        self.k += 1
        pad = "é" * int(self._dice.expovariate(1 / self._size)) if self._size else ""
        self._pen.intend(self.k, pad)
        self._ctx.emit("tick", {"k": self.k, "pad": pad, **more})

    def pause(self, rate: float) -> float:
        """Seconds until the next event of a stream of ``rate`` a second with random gaps."""
        return self._dice.expovariate(rate) if rate else 0.0


def _overhear(outbox: Any, acked: Callable[[int], None]) -> None:
    """Have ``acked`` called with every acknowledgement, a welcome's included, before it counts."""
    acknowledge, connect = outbox.acknowledge, outbox.connect

    def overheard_acknowledge(n: int) -> None:
        acked(n)
        acknowledge(n)

    def overheard_connect(to: Any, ack: int, *rest: Any) -> None:
        acked(ack)
        connect(to, ack, *rest)

    outbox.acknowledge, outbox.connect = overheard_acknowledge, overheard_connect

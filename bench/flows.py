"""The workflows of the benchmark: one that lends its pipe, one that emits by itself."""

import asyncio
import os
import random
import signal
import socket

from bench.events import data
from workflows import Context, workflow


@workflow
def lend(ctx: Context, address: str) -> None:
    """Send the run's id and the descriptor of its pipe to ``address``, and stand still.

    The run is real up to here: accepted, forked, greeted, started. Then the load client speaks for
    it, so that one process speaks for hundreds and no child competes with the client for its core.
    """
    pipe = ctx._outbox._socket
    assert pipe is not None
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        socket.send_fds(client, [ctx.run.encode()], [pipe.fileno()])
    os.kill(os.getpid(), signal.SIGSTOP)


@workflow
async def bursts(ctx: Context, seconds: float, events: int, every: float, core: int) -> None:
    """Emit ``events`` at once, ``every`` so often, on ``core``, which is not the server's."""
    os.sched_setaffinity(0, {core})
    loop = asyncio.get_running_loop()
    due = loop.time() + random.uniform(0, every)
    ctx.emit("agent_delta", data(), agent="Coder")
    for _ in range(round(seconds / every)):
        await asyncio.sleep(max(0.0, due - loop.time()))
        for _ in range(events):
            ctx.emit("agent_delta", data(), agent="Coder")
        due += every

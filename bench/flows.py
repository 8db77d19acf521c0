"""The workflow that lends its pipe to the load client.

A run is real up to here: accepted, forked, greeted, started. Then it hands its end of the pipe to
the load client and stops, so that one process can speak for hundreds of runs and no child competes
with the client for its core.
"""

import os
import signal
import socket

from workflows import Context, workflow


@workflow
def lend(ctx: Context, address: str) -> None:
    """Send the run's id and the descriptor of its pipe to ``address``, and stand still."""
    pipe = ctx._outbox._socket
    assert pipe is not None
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        socket.send_fds(client, [ctx.run.encode()], [pipe.fileno()])
    os.kill(os.getpid(), signal.SIGSTOP)

"""A process that was forked before anybody knew for which run."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable

from multiprocess.connection import Connection

from workflows.runtime.belonging import bear
from workflows.runtime.birth import leave_fork_server


def stand_by(told: Connection, entry: Callable[..., None]) -> None:
    """Wait for what a run's process is told, and call `entry` with it; end where nobody will tell.

    On `told` comes one message: a JSON array of the mark that the run's processes are to bear,
    which may be empty, and `entry`'s arguments. Only the server holds its other end: when the
    server goes, this process does.
    """
    leave_fork_server()
    _rehearse()
    try:
        mark, *arguments = json.loads(told.recv_bytes())
    except (EOFError, OSError):  # before the message, or within it
        os._exit(0)
    told.close()
    if mark:
        bear(mark)
    entry(*arguments)


def _rehearse() -> None:
    """Do for nothing what a run's first steps do: the pages that they write to are copied now.

    They are the fork server's until then, and each costs a run a page fault (`make bench-start`).
    """
    asyncio.run(asyncio.sleep(0))
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"{}\n")
        theirs.recv(3)

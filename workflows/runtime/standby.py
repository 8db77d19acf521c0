"""A process that was forked before anybody knew for which run."""

import json
import os
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
    try:
        mark, *arguments = json.loads(told.recv_bytes())
    except EOFError:
        os._exit(0)
    told.close()
    if mark:
        bear(mark)
    entry(*arguments)

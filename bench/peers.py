"""Other servers, each a program of its own on the server's core, told through stdin to emit."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.machine import SERVER_CORE, pinned


class Peer:
    """A running one."""

    def __init__(self, process: subprocess.Popen[bytes], said: dict[str, Any]):
        self._process = process
        self.pid = process.pid
        self.said = said  # its first line of output, which names its port
        self.address = ("127.0.0.1", int(said["port"]))

    def emit(self, count: int) -> None:
        """Have ``count`` events put into every queue in one turn."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"x" * count)
        self._process.stdin.flush()


@contextmanager
def peer(module: str) -> Iterator[Peer]:
    """A module that prints its port and then emits an event for each byte on its stdin."""
    process = subprocess.Popen(
        pinned([sys.executable, "-m", module], SERVER_CORE),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield Peer(process, json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate()

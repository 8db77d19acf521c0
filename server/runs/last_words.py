"""The named pipe that takes a child's stderr when nobody in the child reads it any more.

While the child lives, a thread of its own reads what is written there and emits it. The server
holds the pipe open and looks only after the death: what is left then are the words that the child
could not send itself, such as a C library's message before it aborts.
"""

import contextlib
import os
from pathlib import Path
from typing import Self


class LastWords:
    """One run's pipe under ``DATA_DIR/runs``; gone from the directory when it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def open(self) -> Self:
        """Make the pipe; raises OSError."""
        self.path.unlink(missing_ok=True)
        os.mkfifo(self.path, 0o600)
        # Non-blocking, or the open would wait for a writer.
        self._fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return self

    def open_again(self) -> None:
        """Take up the pipe that an earlier server made, if it is there."""
        with contextlib.suppress(OSError):
            self._fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def read(self) -> bytes:
        """What is left in the pipe; never waits. A grandchild may hold its other end."""
        found = bytearray()
        with contextlib.suppress(BlockingIOError):
            while self._fd is not None and len(found) < 1 << 20:
                piece = os.read(self._fd, 1 << 16)
                if not piece:
                    break
                found += piece
        return bytes(found)

    def let_go(self) -> None:
        """Close it, and leave it to the process that writes to it and to the next server."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def close(self) -> None:
        """Close it, and take it out of the directory."""
        if self._fd is not None:
            self.let_go()
            self.path.unlink(missing_ok=True)

"""What a test opens to let a `gated` workflow emit its next event."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self


class Gate:
    """A FIFO: each byte in it lets one event through, its end lets the workflow end.

    The test holds both ends until it ends, so neither side waits for the other to open it, and
    what was written before the workflow came to read is still there.
    """

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)

    def __enter__(self) -> Self:
        self._held = os.open(self.path, os.O_RDWR)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        os.close(self._held)

    def let(self, events: int = 1) -> None:
        """Let the workflow emit so many events more."""
        os.write(self._held, b"." * events)

    def close(self) -> None:
        """Let the workflow end, after the events that it was let emit before."""
        os.write(self._held, b"!")

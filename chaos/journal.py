"""What a child notes of itself, in a file that outlives it: begun, meant to emit, acknowledged.

A line is a letter and numbers: ``b PID`` when the workflow's code begins, ``i K CRC`` before event
K is emitted (CRC of its padding), ``a N`` when the server has acknowledged everything up to N,
``d NS`` when it is about to end (CLOCK_MONOTONIC). Each is one unbuffered write, so that a SIGKILL
loses none.
"""

import os
import time
import zlib
from array import array
from dataclasses import dataclass, field
from pathlib import Path


class Pen:
    """The child's side."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._write("b", os.getpid())

    def intend(self, k: int, pad: str) -> None:
        """Event ``k`` is about to be emitted."""
        self._write("i", k, checksum(pad))

    def acked(self, n: int) -> None:
        """The server has said that it keeps everything up to ``n``."""
        self._write("a", n)

    def dying(self) -> None:
        """What follows ends the run."""
        self._write("d", time.monotonic_ns())

    def _write(self, letter: str, *numbers: int) -> None:
        os.write(self._fd, f"{letter} {' '.join(map(str, numbers))}\n".encode())


@dataclass
class Journal:
    """The reader's side."""

    begins: int = 0
    pid: int = 0
    died: float = 0
    """Seconds of the monotonic clock, which all processes share."""
    acked: int = 0
    intended: "array[int]" = field(default_factory=lambda: array("L"))
    """Checksums; event K's is at K - 1."""


def checksum(pad: str) -> int:
    """Of an event's padding."""
    return zlib.crc32(pad.encode())


def read(path: Path) -> Journal:
    """Read what a child left; no file is a child that never began. A torn last line is none."""
    found = Journal()
    if not path.exists():
        return found
    for line in path.read_text().splitlines(keepends=True):
        letter, *numbers = line.split()
        if not line.endswith("\n"):
            break
        if letter == "b":
            found.begins += 1
            found.pid = int(numbers[0])
        elif letter == "a":
            found.acked = max(found.acked, int(numbers[0]))
        elif letter == "d":
            found.died = int(numbers[0]) / 1e9
        elif int(numbers[0]) == len(found.intended) + 1:
            found.intended.append(int(numbers[1]))
    return found

"""A wall clock that can be set, for one server and its runs alone."""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_suffix(".c")
AHEAD = struct.Struct("q")


def lacking() -> str:
    """Why no clock can be set on this machine, or nothing."""
    return "" if shutil.which("cc") else "a C compiler, cc, is missing"


class Clock:
    """Builds ``clock.c`` in ``folder``; who runs in ``environment`` has this clock.

    Time that passes is left alone: neither CLOCK_MONOTONIC nor CLOCK_BOOTTIME changes when
    somebody sets the clock of a machine.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._file.write_bytes(AHEAD.pack(0))
        self._library = folder / "clock.so"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(self._library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True)

    @property
    def environment(self) -> dict[str, Any]:
        """For the server; its runs inherit it."""
        return {"LD_PRELOAD": self._library, "CHAOS_CLOCK": self._file}

    def set(self, seconds: int) -> None:
        """Let it be so far ahead of the true time, or behind it."""
        with self._file.open("r+b", buffering=0) as file:
            file.write(AHEAD.pack(seconds))

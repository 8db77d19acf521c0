"""A wall clock that can be set, for one server and its runs: libfaketime, by a file."""

from pathlib import Path
from typing import Any

LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")


def lacking() -> str:
    """Why no clock can be set on this machine, or nothing."""
    return "" if _library() else "libfaketime is missing"


def _library() -> str:
    for folder in LIBRARIES:
        for found in Path(folder).glob("**/libfaketime.so.1"):
            return str(found)
    return ""


class Clock:
    """``environment`` gives a process this clock. Time that passes is left alone: setting a real
    clock does not touch CLOCK_MONOTONIC and CLOCK_BOOTTIME either.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    @property
    def environment(self) -> dict[str, Any]:
        """For the server; its runs inherit it."""
        return {
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """Let it be so far ahead of the true time, or behind it."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(self._file)  # whoever looks meanwhile sees the one or the other

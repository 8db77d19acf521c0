"""What Linux knows of a process: proc(5)."""

import contextlib
import os
import signal
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether it runs; a zombie is gone, whether or not someone reaps it."""
    return _stat(pid)[0] not in "ZX"


def born(pid: int) -> str:
    """Its start time, which tells it from a later process of the same number."""
    return _stat(pid)[19]


def descriptors(pid: int) -> list[str]:
    """What its open descriptors point to, sorted; without what numbers a socket or pipe has."""
    found = []
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # it is gone
        return []
    for link in links:
        with contextlib.suppress(FileNotFoundError):
            found.append(str(link.readlink()).partition(":[")[0])
    return sorted(found)


def resident(pid: int) -> int:
    """Bytes of its memory that are in RAM."""
    return int(_read(pid, "statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def command(pid: int) -> str:
    """Its command line, for a message."""
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def children(pid: int) -> list[int]:
    """The living children of a process."""
    return [each for each in every() if parent(each) == pid and alive(each)]


def parent(pid: int) -> int:
    """The pid of its parent; 0 if it is gone."""
    return int(_stat(pid)[1])


def end(pid: int) -> None:
    """SIGKILL, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def marked(token: str) -> set[int]:
    """The living processes that inherited ``token`` in their environment."""
    mark = token.encode()
    return {pid for pid in every() if mark in _read(pid, "environ") and alive(pid)}


def every() -> list[int]:
    """The pids of this machine."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _stat(pid: int) -> list[str]:
    line = _read(pid, "stat").decode(errors="replace")
    return line.rpartition(") ")[2].split() if line else ["Z", "0", *["0"] * 18]


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""

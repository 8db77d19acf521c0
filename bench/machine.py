"""Which core is whose, and what the machine is."""

import os
import platform
import shutil
import time
from collections.abc import Sequence

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]


def pinned(command: Sequence[str], core: int) -> list[str]:
    """``command`` on one core only."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(core), *command] if taskset else list(command)


def pin_client() -> None:
    """Keep this process off the server's core."""
    os.sched_setaffinity(0, {CLIENT_CORE})


def described() -> str:
    """The line below a table."""
    system = f"{platform.system()} {platform.release()}"
    return f"{len(CORES)} cores, {system}, Python {platform.python_version()}"


class Busy:
    """How busy this process was, as a share of one core: a load client must not be the limit."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def share(self) -> float:
        """Since it was made."""
        return (time.process_time() - self._cpu) / (time.monotonic() - self._wall)


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, from ``/proc/PID/stat``."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

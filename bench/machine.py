"""Which core is whose, what the machine is, and what Linux says of a process: proc(5)."""

import os
import platform
import resource
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
TICKS = os.sysconf("SC_CLK_TCK")
NICENESS = os.getpriority(os.PRIO_PROCESS, 0)  # before :func:`pin_client`


def pinned(command: Sequence[str], *cores: int) -> list[str]:
    """``command`` on these cores only, and not at the client's priority, which it would inherit."""
    raised = NICENESS - os.getpriority(os.PRIO_PROCESS, 0)
    usual = ["nice", "-n", str(raised), *command]
    taskset = shutil.which("taskset")
    return [taskset, "-c", ",".join(map(str, cores)), *usual] if taskset else usual


def pin_client() -> None:
    """Keep this process off the server's core, and ready to read when something comes."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    with suppress(PermissionError):  # else the runs on this core are what is measured
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def raise_descriptors() -> None:
    """As many open files as this process may have; its children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def described() -> str:
    """The line below a table."""
    system = f"{platform.system()} {platform.release()}"
    return f"{len(CORES)} cores ({_model()}), {system}, Python {platform.python_version()}"


def _model() -> str:
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


class Busy:
    """How busy some processes were, as a share of one core; without pids this one.

    A load client must not be the limit.
    """

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._cpu, self._wall = self._used(), time.monotonic()

    def share(self) -> float:
        """Since it was made."""
        return self.seconds() / (time.monotonic() - self._wall)

    def seconds(self) -> float:
        """CPU time since it was made."""
        return self._used() - self._cpu

    def _used(self) -> float:
        if not self._pids:
            return time.process_time()
        return sum(cpu_seconds(pid) for pid in self._pids)


class CoreBusy:
    """How busy a core was, whoever kept it so."""

    def __init__(self, core: int) -> None:
        self._core = core
        self._idle, self._wall = self._read(), time.monotonic()

    def share(self) -> float:
        """Since it was made."""
        return 1 - (self._read() - self._idle) / TICKS / (time.monotonic() - self._wall)

    def _read(self) -> int:
        with open("/proc/stat") as lines:
            for line in lines:
                name, *fields = line.split()
                if name == f"cpu{self._core}":
                    return int(fields[3]) + int(fields[4])  # idle, iowait
        raise SystemExit(f"no core {self._core}")


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, to the nanosecond: clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def proportional(pid: int) -> int:
    """Bytes of its memory, each shared page divided by those who share it; 0 if it is gone."""
    with suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as lines:
        for line in lines:
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def descendants(pid: int) -> list[int]:
    """Its living children and theirs."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parents.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found, ahead = [], [pid]
    while ahead:
        children = parents.get(ahead.pop(), [])
        found += children
        ahead += children
    return found


def _stat(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()

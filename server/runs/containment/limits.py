"""What a run may use, and what is said when it used more. Pure.

A process and a thread are one each, as for the kernel and for ``ulimit -u``; the thread by which a
run talks to the server is not counted.
"""

from typing import NamedTuple

OWN_THREADS = 1


class Limits(NamedTuple):
    """What one run may use; 0 is no limit."""

    memory: int = 0  # bytes
    processes: int = 0

    @property
    def tasks(self) -> int:
        """As the kernel counts them."""
        return self.processes and self.processes + OWN_THREADS


class Usage(NamedTuple):
    """What one run uses."""

    memory: int = 0
    tasks: int = 0


def too_much(used: Usage, limits: Limits) -> str | None:
    """The reason to end a run that uses so much, if there is one."""
    if limits.memory and used.memory > limits.memory:
        return memory(limits)
    if limits.tasks and used.tasks > limits.tasks:
        return processes(limits)
    return None


def memory(limits: Limits) -> str:
    """What is said of a run that wanted more memory."""
    return f"the run needed more memory than the {limits.memory} bytes of RUN_MEMORY_BYTES"


def processes(limits: Limits) -> str:
    """What is said of a run that wanted more processes."""
    return f"the run started more processes and threads than RUN_PROCESSES, {limits.processes}"

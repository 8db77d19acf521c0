"""What a new server makes of the runs that an earlier one left. Pure.

The rules:

* A run whose start was never committed has executed nothing: it waits for its turn again. A process
  that was started for it knows a secret that no server has any more, and is sent away.
* A run whose start is committed belongs to one process for ever. While that process lives it is
  waited for; when it is gone the run is over. It is never started again.
* A process is the same if pid, start time and boot are. A zombie is gone, whoever is to reap it.
* Who was let in hears what is committed: how far the log has come, whether to stop, its start, and
  the answers to what it still asks. All of it may be repeated; the process ignores what it knows. A
  stop comes before the start, so that what was cancelled before its first step takes none.
* Time limits run on by the clock that counts from the boot, whatever the clock on the wall does.
"""

from collections.abc import Collection
from enum import Enum, auto
from typing import Any, NamedTuple

from server.records import RunRecord
from server.runs import pipe
from server.runs.life import State
from server.runs.process import GONE, Stat


class Found(NamedTuple):
    """A run without a terminal event, as the log has it; ``n`` is its last committed number."""

    record: RunRecord
    n: int = 0


class Course(Enum):
    """What becomes of a run that was found."""

    QUEUE = auto()  # it waits for a place
    AWAIT = auto()  # its process lives: it is expected to come
    BURY = auto()  # its process is gone


def course(record: RunRecord, seen: Stat | None, boot: str) -> Course:
    """Decide; ``seen`` is what has the record's pid now, ``boot`` which boot of the machine it is.

    ``seen`` does not matter for a record whose start was never given.
    """
    if not record.start_given:
        return Course.QUEUE
    return Course.AWAIT if is_same(record, seen, boot) else Course.BURY


def is_same(record: RunRecord, seen: Stat | None, boot: str) -> bool:
    """Whether ``seen`` is the very process that the record means, and lives."""
    return (
        seen is not None
        and record.boot == boot
        and record.pid_started == seen.started
        and seen.state not in GONE
    )


def time_left(record: RunRecord, boot: str, at: float) -> float:
    """Seconds until the run's limit, at ``at`` seconds since the boot; none is left is 0."""
    if record.boot != boot or not record.deadline:
        return record.timeout  # of another boot, or of a version that did not note it
    return max(0.0, record.deadline - at)


#: The states in which the run's own process may connect, once more or for the first time. A run
#: that has ended has nothing to say to it, and one that is dying nobody to say it to.
OPEN_DOORS = frozenset(
    {State.STARTING, State.ADMITTING, State.RUNNING, State.AWAITED, State.STOPPING, State.ENDING}
)


class Greeting(NamedTuple):
    """What a process hears when it was let in, in this order."""

    ack: int  # the last number that is committed
    cancel: str | None  # the reason, if it is to stop
    answers: dict[str, Any]  # request id → value


def greeting(
    record: RunRecord, ack: int, asking: Collection[str], *, timed_out: bool = False
) -> Greeting:
    """Say what has to be repeated to a process that waits for the inputs ``asking``."""
    answers = {request: value for request, value in record.answers.items() if request in asking}
    return Greeting(ack, record.cancel or ("timeout" if timed_out else None), answers)


def lines(said: Greeting, record: RunRecord) -> bytes:
    """The greeting as the pipe carries it."""
    spoken = [pipe.welcome(said.ack)]
    if said.cancel is not None:
        spoken.append(pipe.cancel(said.cancel))
    spoken.append(pipe.start(record.workflow, record.input))
    spoken += [pipe.answer(request, value) for request, value in said.answers.items()]
    return b"".join(spoken)

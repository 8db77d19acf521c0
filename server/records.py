"""What is kept beside the events: one record for each session and one for each run. Pure.

A run is a record before it is a process. Every step of its life that must survive a crash is
committed in one transaction with the events that belong to it, and nothing acts on a step before it
is committed.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

import msgspec

from server.events import Draft, Event, new_epoch, now

SessionState = Literal["waiting", "running", "closed"]
RunState = Literal["queued", "starting", "running", "complete", "error", "cancelled"]

#: The states of a run from its acceptance to its terminal event.
ACTIVE: frozenset[RunState] = frozenset({"queued", "starting", "running"})


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who a session is: fixed when it is first asked for, stored with its first event."""

    id: str
    epoch: str = msgspec.field(default_factory=new_epoch)
    created: str = msgspec.field(default_factory=now)
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session's log stands: ``first`` 1 and ``last`` 0 while it is empty.

    ``state`` and ``run`` follow from the run records that were appended: the log keeps them in the
    transaction of the event that changes them. ``order`` counts sessions up in the order of their
    creation and is what a page of the list continues from.
    """

    record: SessionRecord
    first: int = 1
    last: int = 0
    state: SessionState = "waiting"
    run: str | None = None
    order: int = 0


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a workflow; replaced whole (``msgspec.structs.replace``) at each step."""

    id: str
    session: str
    workflow: str
    input: dict[str, Any]
    labels: dict[str, str]
    state: RunState
    created: str
    started: str | None = None  # when code was let run
    ended: str | None = None
    result: Any = None
    error: dict[str, Any] | None = None
    timeout: float  # seconds that it may run

    # the process, once it has said hello: enough to know it again, or to see that it is gone
    node: str = ""
    pid: int = 0
    pid_started: int = 0  # clock ticks since boot, /proc/PID/stat field 22
    boot: str = ""  # /proc/sys/kernel/random/boot_id
    secret_hash: str = ""  # SHA-256, hex: the child has the secret, the disk never does
    start_given: bool = False  # the ``start`` line was committed to this one process
    deadline: float = 0.0  # when its time is up: seconds since that boot, CLOCK_BOOTTIME

    # what was accepted for the child: repeated after every welcome until it has arrived
    cancel: str | None = None
    asking: dict[str, Any] = msgspec.field(default_factory=dict)  # request id → schema or null
    answers: dict[str, Any] = msgspec.field(default_factory=dict)  # request id → value

    idempotency_key: str | None = None
    request_hash: str = ""  # of the request that the key came with

    @property
    def active(self) -> bool:
        """Whether its terminal event is still to come."""
        return self.state in ACTIVE


#: How the log is told of a descriptor to look at between commits, and what to call then.
Feed = Callable[[int, Callable[[], None]], AbstractContextManager[None]]
#: Who hears what became of an append: the events that were new, or an error.
Then = Callable[[Sequence[Event], Exception | None], None]


class Append(Protocol):
    """How a run's events reach the log, for those who know of no log."""

    def __call__(
        self,
        session: str,
        drafts: Sequence[Draft],
        then: Then,
        *,
        producer: str = "",
        record: RunRecord | None = None,
    ) -> None:
        """Take drafts and a record towards the log; called on the loop, returns at once.

        ``then`` is called once, later, never from within this call. Without an error all of it is
        durable; it gets the events that were new (a draft whose ``n`` its producer sent before is
        left out). With one, mostly a :class:`server.errors.StoreUnavailable`, nothing was kept.
        """

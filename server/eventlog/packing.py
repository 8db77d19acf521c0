"""From the journal to segments: the order of commits becomes the order of sessions. Pure.

The journal takes events in the order of their commits, which makes a commit cheap and reading one
session's history dear. When it has grown to :data:`JOURNAL_BYTES`, one pass carries what it holds
into segments and then deletes it, in steps small enough to ride along with a commit. A crash
between two steps costs nothing: until its rows are deleted the journal still has every event, and
those that are in segments already are known by their offsets.
"""

from collections import deque
from collections.abc import Iterable
from time import monotonic
from typing import NamedTuple

from server.eventlog import rows, segments
from server.eventlog.tail import Tail

#: What a pass waits for. It bounds the memory for recent events and the time to open the store.
JOURNAL_BYTES = 8 * 1024 * 1024
#: What one append weighs in the journal and in memory beside the bytes of its events.
APPEND_BYTES = 300
#: What is packed for each byte that comes, both by weight. A byte is packed once and deleted once,
#: which is quick: at much less a pass would not end before as much has come again, which bounds the
#: journal under a flood; at much more it would take a core's rest in bursts, and what is emitted
#: would queue up.
PACE = 1.5
#: What a step carries that has a commit of its own: about a millisecond's work.
STEP_BYTES = 32 * 1024

#: What is deleted in the time in which one byte is packed: whole pages only change hands.
DELETED_BYTES = 3


class Backlog(NamedTuple):
    """A stretch of the journal: its rows after ``begin``, up to and with ``end``."""

    begin: int
    end: int
    weight: int  # bytes


def weigh(size: int, appends: int) -> int:
    """What a row of the journal costs, with its events in memory."""
    return size + appends * APPEND_BYTES


class Packed(NamedTuple):
    """A tail whose events up to ``upto`` a step carries; ``whole`` if these are all it had."""

    tail: Tail
    upto: int
    whole: bool


class Step(NamedTuple):
    """A part of a pass that becomes durable in one transaction."""

    statements: list[rows.Statement]
    packed: list[Packed]
    weight: int  # bytes that it carries, or as many as it takes the time of

    def apply(self) -> None:
        """Let go of what the disk has now."""
        for tail, upto, whole in self.packed:
            tail.forget(upto)
            if whole:
                tail.settle()


class Pass:
    """One pass over ``backlog`` and the tails that hold its events."""

    def __init__(self, backlog: Backlog, tails: Iterable[Tail]) -> None:
        self.backlog = backlog
        self._tails = deque(tails)
        self._deleted = backlog.begin

    @property
    def done(self) -> bool:
        """Whether every step has been taken."""
        return not self._tails and self._deleted == self.backlog.end

    def step(self, budget: int) -> Step:
        """The next step, of about ``budget`` bytes."""
        return self._pack(budget) if self._tails else self._delete(budget)

    def _pack(self, budget: int) -> Step:
        full: list[segments.Segment] = []
        numbers: list[tuple[int, str, int]] = []
        packed: list[Packed] = []
        weight = 0
        while self._tails and weight < budget:
            tail = self._tails[0]
            upto = tail.packed
            for segment in segments.pack(tail.key, tail.events):
                full.append(segment)
                upto = segment.last
                weight += len(segment.body) + APPEND_BYTES
                if weight >= budget:
                    break
            whole = upto == tail.last
            packed.append(Packed(tail, upto, whole))
            if not whole:
                break
            if tail.events:
                numbers += [(tail.key, producer, n) for producer, n in tail.numbers.items()]
            self._tails.popleft()
        every: list[rows.Statement] = [
            (rows.INSERT_SEGMENT, full),
            (rows.UPSERT_PRODUCER, numbers),
        ]
        return Step([statement for statement in every if statement[1]], packed, weight)

    def _delete(self, budget: int) -> Step:
        begin, end, weight = self.backlog
        each = max(1, weight // max(1, end - begin))
        some = min(end - self._deleted, max(1, DELETED_BYTES * budget // each))
        self._deleted += some
        return Step([(rows.DELETE_JOURNAL, [(self._deleted,)])], [], some * each // DELETED_BYTES)


#: How long packing, and all else that can wait, rests after a failure.
REST_SECONDS = 1.0


class Packing:
    """When to pack: the backlog as it grows, and the pass under way."""

    def __init__(self, backlog: Backlog, limit: int) -> None:
        self.backlog = backlog
        self._limit = limit
        self._step_bytes = min(STEP_BYTES, limit // 8 + 1)
        self._pass: Pass | None = None
        self._due = 0.0  # bytes that the commits so far might have carried, and have not
        self._rest_until = 0.0

    def grew(self, size: int, appends: int) -> None:
        """Note a group: ``size`` bytes of a row behind the others, none if it had no events."""
        begin, end, weight = self.backlog
        self.backlog = Backlog(begin, end + bool(size), weight + weigh(size, appends))

    @property
    def pending(self) -> bool:
        """Whether there is something to pack."""
        return self._pass is not None or self.backlog.weight >= self._limit

    def step(self, tails: Iterable[Tail]) -> Step | None:
        """What a transaction of its own is to carry; None if nothing."""
        if not self.pending or self.resting:
            return None
        return self._begun(tails).step(self._step_bytes)

    def ride(self, tails: Iterable[Tail], size: int, appends: int) -> Step | None:
        """What a transaction is to carry beside a group of ``size`` bytes; None if nothing.

        Only when a step's worth is due: a commit that carries nothing is one statement alone.
        """
        if not self.pending or self.resting:
            return None
        under_way = self._begun(tails)
        self._due += PACE * weigh(size, appends)
        if self._due < self._step_bytes:
            return None
        step = under_way.step(int(self._due))
        self._due -= step.weight
        return step

    def _begun(self, tails: Iterable[Tail]) -> Pass:
        if self._pass is None:
            self._pass, self._due = Pass(self.backlog, tails), 0.0
        return self._pass

    def close(self) -> None:
        """Pack whatever there is from now on."""
        self._limit = 1

    @property
    def resting(self) -> float:
        """Seconds until it may be tried again after a failure; 0 if now."""
        return max(0.0, self._rest_until - monotonic())

    def applied(self, step: Step) -> bool:
        """Note that ``step`` is durable; whether it was the last of its pass."""
        step.apply()
        if self._pass is None or not self._pass.done:
            return False
        packed = self._pass.backlog
        begin, end, weight = self.backlog
        self.backlog = Backlog(max(begin, packed.end), end, weight - packed.weight)
        self._pass = None
        return True

    def failed(self) -> None:
        """Give up the pass: the tails still say what is to be packed."""
        self._pass = None
        self._rest_until = monotonic() + REST_SECONDS

"""The checker: what children, subscribers and the log say of the same events. Pure: no I/O.

``lost``
    an event that was acknowledged, or that the run had emitted before something that was kept, and
    that is not in the log; a start that was answered and left no ``run_start``; an event of the log
    that a subscriber who had all the time it needed did not get.
``doubled``
    an event of a child twice in the log; an offset twice at a subscriber; a run executed twice.
``reordered``
    an event in the log after one that its child emitted later; one that came to a subscriber late.
``phantom``
    an event in the log that no child emitted, or with other content; one at a subscriber that is
    not in the log, or not the same bytes there.
``unsignalled_gaps``
    offsets that a subscriber was not given, or another epoch, without a ``reset``; a hole in a log.
``wrong_terminals``
    a run with none, several, another than it should have, or with events after it.
``leaked_processes`` and ``leaked_descriptors``
    what is left when everything has ended; counted by whoever looks at the machine.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chaos.history import FORGED, TERMINAL, History, Kept
from chaos.journal import Journal
from chaos.seen import Seen, Stretch

FAULTS = (
    *("lost", "doubled", "reordered", "phantom", "unsignalled_gaps", "wrong_terminals"),
    *("leaked_processes", "leaked_descriptors"),
)
TOLD = 20
"""So many findings are kept in words; all are counted."""


@dataclass(frozen=True)
class Expected:
    """A run whose start was answered. ``ends`` has the right terminal events.

    They are named ``complete``, ``cancelled`` or ``error:CODE``; empty: any one is right.
    """

    run: str
    session: str
    ends: frozenset[str] = frozenset({"complete"})


@dataclass
class Verdict:
    """The counts, and the first findings in words."""

    acked: int = 0
    streams: int = 0
    """Of subscribers."""
    same: int = 0
    """Those of them that are the history, event by event, by hash."""
    faults: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def found(self, fault: str, what: str, count: int = 1) -> None:
        """Count a fault; raises KeyError for one that the verdict does not know."""
        if fault not in FAULTS:
            raise KeyError(fault)
        self.faults[fault] += count
        if count and len(self.findings) < TOLD:
            self.findings.append(f"{fault}: {what}")

    @property
    def good(self) -> bool:
        """Whether nothing at all was found."""
        return not self.faults.total()

    def line(self, seed: int) -> str:
        """The verdict in one line."""
        counts = " ".join(f"{fault}={self.faults[fault]}" for fault in FAULTS)
        return f"acked={self.acked} {counts} seed={seed}"


def judge(
    histories: Mapping[str, History],
    runs: Iterable[Expected],
    journals: Mapping[str, Journal],
    subscribers: Iterable[Seen],
) -> Verdict:
    """Compare. ``histories`` by session, whole; ``journals`` by run, of those that keep one."""
    verdict = Verdict()
    for session, history in histories.items():
        _holes(verdict, session, history)
    for run in runs:
        history = histories.get(run.session, History())
        kept = history.runs.get(run.run, [])
        _terminal(verdict, run, kept)
        if run.run in journals:
            _journal(verdict, run.run, journals[run.run], kept)
    for seen in subscribers:
        before = verdict.faults.total()
        _subscriber(verdict, seen, histories.get(seen.session, History()))
        verdict.streams += 1
        verdict.same += verdict.faults.total() == before
    return verdict


def _holes(verdict: Verdict, session: str, history: History) -> None:
    for before, after in history.holes:
        verdict.found("unsignalled_gaps", f"{session}: {after} follows {before} in the log")


def _terminal(verdict: Verdict, run: Expected, kept: list[Kept]) -> None:
    ends = [event.end for event in kept if event.type in TERMINAL]
    if not kept or kept[0].type != "run_start":
        verdict.found("lost", f"{run.run}: was accepted, and has no run_start first")
    starts = sum(event.type == "run_start" for event in kept)
    if starts > 1:
        verdict.found("doubled", f"{run.run}: run_start {starts} times", starts - 1)
    if len(ends) != 1:
        verdict.found("wrong_terminals", f"{run.run}: ends {ends}")
    elif run.ends and ends[0] not in run.ends:
        verdict.found("wrong_terminals", f"{run.run}: {ends[0]} instead of {sorted(run.ends)}")
    elif kept[-1].type not in TERMINAL:
        verdict.found("wrong_terminals", f"{run.run}: {kept[-1].type} after its end")


def _journal(verdict: Verdict, run: str, journal: Journal, kept: list[Kept]) -> None:
    verdict.acked += min(journal.acked, len(journal.intended))
    if journal.begins > 1:
        verdict.found("doubled", f"{run}: executed {journal.begins} times", journal.begins - 1)
    forged = sum(event.type == FORGED for event in kept)
    verdict.found("phantom", f"{run}: {forged} forged events in the log", forged)
    numbered = [event for event in kept if event.k]
    times = Counter(event.k for event in numbered)
    last = 0
    for event in numbered:
        meant = journal.intended[event.k - 1] if event.k <= len(journal.intended) else None
        if event.checksum != meant:
            verdict.found("phantom", f"{run}: event {event.k} was not emitted like this")
        if event.k < last and times[event.k] == 1:
            verdict.found("reordered", f"{run}: event {event.k} after {last}")
        last = max(last, event.k)
    for k, count in times.items():
        if count > 1:
            verdict.found("doubled", f"{run}: event {k} {count} times in the log", count - 1)
    completed = any(event.type == "complete" for event in kept)
    due = len(journal.intended) if completed else max(journal.acked, last)
    missing = [k for k in range(1, min(due, len(journal.intended)) + 1) if k not in times]
    if missing:
        verdict.found("lost", f"{run}: {_some(missing)} of {due}", len(missing))


def _subscriber(verdict: Verdict, seen: Seen, history: History) -> None:
    due = 0
    missing: set[int] = set()
    for stretch in seen.stretches:
        if stretch.signalled:
            due, missing = stretch.first, set()
        elif stretch.first > due:
            what = f"{seen.name}: {stretch.first} came where {due} was due"
            verdict.found("unsignalled_gaps", what)
            missing |= set(range(due, stretch.first))
        for offset in range(stretch.first, min(stretch.next, due)):
            fault = "reordered" if offset in missing else "doubled"
            missing.discard(offset)
            verdict.found(fault, f"{seen.name}: {offset} came when {due} was due")
        due = max(due, stretch.next)
        _contents(verdict, seen, stretch, history)
    if due and seen.stretches[-1].epoch != history.epoch and history.last:
        verdict.found("unsignalled_gaps", f"{seen.name}: knows nothing of epoch {history.epoch}")
    elif history.last and not due:
        verdict.found("lost", f"{seen.name}: came to see nothing", history.last)
    missing |= set(range(due, history.last + 1))
    if due and missing:
        verdict.found("lost", f"{seen.name}: never had {_some(sorted(missing))}", len(missing))


def _contents(verdict: Verdict, seen: Seen, stretch: Stretch, history: History) -> None:
    if stretch.epoch != history.epoch:
        return  # a life of the log that is over, which the server has said
    begin = stretch.first - history.first
    if begin >= 0 and history.digests_from(stretch.first, len(stretch)) == stretch.digests:
        return
    for offset in range(stretch.first, stretch.next):
        if stretch.at(offset) != history.digest(offset):
            verdict.found("phantom", f"{seen.name}: {offset} is not what the log has")


def _some(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return shown if len(numbers) <= 5 else f"{shown} … ({len(numbers)} in all)"

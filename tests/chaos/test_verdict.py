"""The checker: sound journals are good, and each kind of fault, put in by hand, is counted."""

import json
from array import array
from collections.abc import Iterable

import pytest

from chaos.history import History
from chaos.journal import Journal, checksum
from chaos.seen import Seen
from chaos.verdict import FAULTS, Expected, Verdict, judge

EPOCH = "abcd"
Row = tuple[str, int | str | None]


def event(offset: int, kind: str, value: int | str | None = None, run: str = "r") -> bytes:
    """One event as the server sends it; ``value`` is a number, a padding or an error's code."""
    data: dict[str, object] = {}
    if kind == "tick":
        data = {"k": value, "pad": "x" * 3}
    elif kind == "error":
        data = {"code": value, "message": ""}
    fields = {"offset": offset, "time": "", "type": kind, "run": run, "data": data}
    return json.dumps(fields, separators=(",", ":")).encode()


def log(*rows: Row) -> list[bytes]:
    """A log whose events have these types and values."""
    return [event(offset, kind, value) for offset, (kind, value) in enumerate(rows, 1)]


START: Row = ("run_start", None)
SOUND = log(START, *(("tick", k) for k in range(1, 6)), ("complete", None))


def journal(intended: int = 5, acked: int = 5, begins: int = 1) -> Journal:
    """What the child of the sound log noted."""
    return Journal(begins, acked=acked, intended=array("L", [checksum("xxx")] * intended))


def subscriber(events: Iterable[bytes], after: int = 0, epoch: str = EPOCH) -> Seen:
    """One that was given these events."""
    seen = Seen("s", "reader")
    seen.begin(epoch, after)
    for each in events:
        seen.event(json.loads(each)["offset"], each)
    return seen


def verdict(
    events: list[bytes] | None = None,
    kept: Journal | None = None,
    *seen: Seen,
    ends: Iterable[str] = ("complete",),
) -> Verdict:
    """Judge one run in one session."""
    history = History(EPOCH, SOUND if events is None else events)
    run = Expected("r", "s", frozenset(ends))
    return judge({"s": history}, [run], {"r": kept or journal()}, seen)


def faults(found: Verdict) -> dict[str, int]:
    """What was found, without what was not."""
    return {fault: count for fault, count in found.faults.items() if count}


def test_sound_is_good() -> None:
    """Where everybody says the same, nothing is found, and what was acknowledged is counted."""
    found = verdict(None, None, subscriber(SOUND), subscriber(SOUND[3:], after=3))
    assert found.good
    assert found.acked == 5
    assert (found.streams, found.same) == (2, 2)
    assert found.line(7) == (
        "acked=5 lost=0 doubled=0 reordered=0 phantom=0 unsignalled_gaps=0 wrong_terminals=0"
        " leaked_processes=0 leaked_descriptors=0 seed=7"
    )


def test_what_was_not_acknowledged_may_be_missing() -> None:
    """A child that was killed may have meant to emit more than it could."""
    crashed = log(START, ("tick", 1), ("tick", 2), ("error", "workflow_crashed"))
    found = verdict(crashed, journal(intended=4, acked=2), ends={"error:workflow_crashed"})
    assert found.good


LOGS: dict[str, tuple[list[bytes], Journal, dict[str, int]]] = {
    "acknowledged and gone": (
        log(START, ("tick", 1), ("error", "x")),
        journal(intended=4, acked=3),
        {"lost": 2},
    ),
    "a hole before what was kept": (
        log(START, ("tick", 1), ("tick", 3), ("error", "x")),
        journal(intended=3, acked=1),
        {"lost": 1},
    ),
    "completed without its last event": (
        log(START, *(("tick", k) for k in range(1, 5)), ("complete", None)),
        journal(acked=4),
        {"lost": 1},
    ),
    "no run_start": (
        log(*(("tick", k) for k in range(1, 6)), ("complete", None)),
        journal(),
        {"lost": 1},
    ),
    "nothing of the run": ([], journal(), {"lost": 6, "wrong_terminals": 1}),
    "an event twice": (
        log(START, ("tick", 1), ("tick", 1), ("tick", 2), ("complete", None)),
        journal(intended=2, acked=2),
        {"doubled": 1},
    ),
    "executed twice": (SOUND, journal(begins=2), {"doubled": 1}),
    "two starts": (
        log(START, START, ("complete", None)),
        journal(0, 0),
        {"doubled": 1},
    ),
    "out of order": (
        log(START, ("tick", 2), ("tick", 1), ("complete", None)),
        journal(intended=2, acked=2),
        {"reordered": 1},
    ),
    "never emitted": (
        log(START, ("tick", 1), ("tick", 2), ("complete", None)),
        journal(intended=1, acked=1),
        {"phantom": 1},
    ),
    "other content": (
        log(START, ("tick", 1), ("complete", None)),
        Journal(1, acked=1, intended=array("L", [checksum("y")])),
        {"phantom": 1},
    ),
    "forged": (
        log(START, ("forged", None), ("complete", None)),
        journal(0, 0),
        {"phantom": 1},
    ),
    "no end": (log(START, ("tick", 1)), journal(1, 1), {"wrong_terminals": 1}),
    "two ends": (
        log(START, ("complete", None), ("error", "x")),
        journal(0, 0),
        {"wrong_terminals": 1},
    ),
    "another end": (
        log(START, ("error", "run_lost")),
        journal(0, 0),
        {"wrong_terminals": 1},
    ),
    "events after the end": (
        log(START, ("complete", None), ("tick", 1)),
        journal(1, 1),
        {"wrong_terminals": 1},
    ),
    "a hole in the offsets": (
        [SOUND[0], SOUND[1], event(4, "tick", 2), event(5, "complete")],
        journal(2, 2),
        {"unsignalled_gaps": 1},
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_fault_in_the_log_is_counted(name: str) -> None:
    """A log that is not what its child did is found, and nothing else is."""
    events, kept, wanted = LOGS[name]
    ends = () if wanted.keys() <= {"lost"} else ("complete",)
    assert faults(verdict(events, kept, ends=ends)) == wanted


def resets(events: list[bytes], first: int, epoch: str = EPOCH) -> Seen:
    """One that had two events, and then was reset."""
    seen = subscriber(events[:2], epoch="old" + epoch)
    seen.reset(epoch, first, "epoch")
    for each in events:
        seen.event(json.loads(each)["offset"], each)
    return seen


SUBSCRIBERS: dict[str, tuple[Seen, dict[str, int]]] = {
    "reset to a new epoch": (resets(SOUND, 1), {}),
    "the end is missing": (subscriber(SOUND[:5]), {"lost": 2}),
    "nothing came": (Seen("s"), {"lost": 7}),
    "ready and nothing": (subscriber([]), {"lost": 7}),
    "an offset twice": (subscriber([*SOUND[:3], SOUND[2], *SOUND[3:]]), {"doubled": 1}),
    "all twice": (subscriber([*SOUND, *SOUND]), {"doubled": 7}),
    "late": (
        subscriber([*SOUND[:2], SOUND[3], SOUND[2], *SOUND[4:]]),
        {"unsignalled_gaps": 1, "reordered": 1},
    ),
    "a gap": (subscriber([*SOUND[:2], *SOUND[4:]]), {"unsignalled_gaps": 1, "lost": 2}),
    "a gap at the start": (subscriber(SOUND[2:]), {"unsignalled_gaps": 1, "lost": 2}),
    "other bytes": (
        subscriber([*SOUND[:2], SOUND[2].replace(b"xxx", b"xxy"), *SOUND[3:]]),
        {"phantom": 1},
    ),
    "more than the log has": (
        subscriber([*SOUND, event(8, "tick", 9)]),
        {"phantom": 1},
    ),
    "an epoch that is over": (subscriber(SOUND, epoch="old1"), {"unsignalled_gaps": 1}),
}


@pytest.mark.parametrize("name", SUBSCRIBERS)
def test_fault_at_a_subscriber_is_counted(name: str) -> None:
    """A stream that is not the log is found, and nothing else is."""
    seen, wanted = SUBSCRIBERS[name]
    found = verdict(None, None, seen, subscriber(SOUND))
    assert faults(found) == wanted
    assert (found.streams, found.same) == (2, 1 if wanted else 2)


def test_every_fault_can_be_found() -> None:
    """No kind of fault is beyond what these tests put in, but those that others look for."""
    put_in = {fault for *_, wanted in LOGS.values() for fault in wanted}
    put_in |= {fault for _, wanted in SUBSCRIBERS.values() for fault in wanted}
    assert put_in | {"leaked_processes", "leaked_descriptors"} == set(FAULTS)


def test_scenarios_may_count_what_they_see() -> None:
    """What a scenario finds counts like the rest; a fault with another name is a slip."""
    found = verdict()
    found.found("leaked_processes", "pid 7")
    assert "leaked_processes=1" in found.line(0)
    with pytest.raises(KeyError):
        found.found("missing", "typo")

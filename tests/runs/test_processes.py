"""Processes that flee while they are looked for: whole looks, and an end that is one."""

import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from server.runs.containment import processes
from server.runs.containment.contained import Contained
from server.runs.containment.ending import end_runs
from server.runs.containment.kin import Identity, Snapshot, members
from server.runs.containment.limits import Limits
from server.runs.containment.nursery import Nursery
from server.runs.containment.processes import CLEAR_LOOKS, Look

HOPS = 5_000  # more than are made before the test is over, and yet an end
LEADER = f"""
import ctypes, os, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
os.setsid()
if os.fork() == 0:
    os.setsid()
    print(flush=True)
    for _ in range({HOPS}):
        if os.fork(): os._exit(0)
    time.sleep(600)
while True:
    try: os.waitpid(-1, 0)
    except ChildProcessError: time.sleep(600)
"""


@pytest.fixture
def fleeing() -> Iterator[Identity]:
    """The parent of all orphans of a chain of processes, each of which forks the next and ends."""
    with subprocess.Popen([sys.executable, "-S", "-c", LEADER], stdout=subprocess.PIPE) as leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == b"\n"
        yield processes.look().seen[leader.pid].identity
        leader.kill()
        # The last of the chain holds the other end: so it is known that nobody is left.
        assert select.select([leader.stdout], [], [], 10)[0]
        assert leader.stdout.read(1) == b""


def of(leader: Identity) -> Callable[[Snapshot], Look]:
    """All but the leader."""

    def whom(known: Snapshot) -> Look:
        seen, whole, _ = processes.look(known)
        return Look(seen, whole, members(seen, leader).keys() - {leader.pid})

    return whom


def test_a_whole_look_misses_nobody(fleeing: Identity) -> None:
    """There is always one of them, and each look that says it is whole has seen one."""
    whom = of(fleeing)
    whole: list[bool] = []
    while len(whole) < 30:  # where others fork and end too, few looks are
        look = whom({})
        whole += [bool(look.meant)] * look.whole
    assert all(whole)
    _end(whom)


def test_the_end_is_one(fleeing: Identity) -> None:
    """Once it has been said that nobody is left, nobody is, however quickly they have fled."""
    _end(of(fleeing))


@pytest.mark.parametrize("hurry", [0.0, 0.1])
def test_who_joins_is_looked_for_as_often(hurry: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is to be ended after one look has found nobody left: that look does not count for it."""
    looks = 0
    leader: Any = None
    monkeypatch.setattr(processes, "HURRY_SECONDS", hurry)
    joins = Contained(_Undertaker(), "r_joins", Identity(2**22 + 1, 1), leader, None)

    def joining() -> list[Contained]:
        nonlocal looks
        looks += 1
        return [joins] if looks == CLEAR_LOOKS else []

    while not end_runs([], Nursery(None, "tests", Limits()), joining):
        pass
    assert looks - (CLEAR_LOOKS - 1) >= CLEAR_LOOKS


class _Undertaker:
    """Has nothing to do."""

    def doom(self, contained: Contained) -> None:
        """Nobody is killed."""

    def release(self, contained: Contained) -> None:
        """Nobody is let go."""


def _end(whom: Callable[[Snapshot], Look]) -> None:
    while not processes.end(whom):
        pass  # where others fork as quickly it may take more than one attempt

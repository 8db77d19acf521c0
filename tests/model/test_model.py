"""A hundred thousand schedules keep every promise, and no planted fault goes unnoticed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain

import pytest

from tests.model.faults import FAULTS
from tests.model.playing import play

#: A server that is killed leaves coroutines that have not begun.
ABANDONED = "ignore:coroutine:RuntimeWarning"
SCHEDULES = 100_000
PROCESSES = 2
#: Schedules in which every fault must show.
SOON = 20_000
#: Of those, where a rare one was seen last: played from there on, then from the start.
SEEN = {"same_epoch_after_a_restore": 12_473, "answered_twice": 1_845}


@contextmanager
def _command(first: int, last: int, hash_seed: int = 0) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-W", ABANDONED, "-m", "tests.model", str(first), str(last)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # who waits for it may have run out of time


@pytest.mark.slow(400)
@pytest.mark.timeout(1800)
def test_promises() -> None:
    """Whatever is interleaved, cut, killed, refused and restored: all promises are kept."""
    share = SCHEDULES // PROCESSES
    with ExitStack() as stack:
        shares = [(i * share, (i + 1) * share - 1) for i in range(PROCESSES)]
        running = [stack.enter_context(_command(*seeds)) for seeds in shares]
        said = [process.communicate()[0] for process in running]
    assert all(process.returncode == 0 for process in running), "\n".join(said)
    assert sum(map(_kept, said)) == SCHEDULES


def _kept(said: str) -> int:
    found = re.search(r"^schedules=(\d+) drawn=\d+ failures=0$", said, re.MULTILINE)
    return int(found[1]) if found is not None else 0


def test_replays() -> None:
    """A seed alone decides: another process, with other hashes and addresses, plays the same."""
    with _command(0, 499, hash_seed=1) as first, _command(0, 499, hash_seed=2) as second:
        said = first.communicate()[0]
        assert said == second.communicate()[0]
    assert _kept(said) == 500


@pytest.mark.filterwarnings(ABANDONED)
@pytest.mark.parametrize("name", FAULTS)
def test_notices(name: str) -> None:
    """A fault that is planted in the code breaks a promise in one of the first schedules."""
    last = SEEN.get(name, 0)
    with FAULTS[name]():
        played = play(chain(range(last, SOON), range(last)), enough=1)
    assert played.failures, f"{played.schedules} schedules saw nothing of it"

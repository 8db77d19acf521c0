"""Control groups as this machine has them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.runs.containment.limits import Limits
from server.runs.containment.slots import Ground, Slot
from tests.runs.conftest import alive, until_gone

TAG = "test000000"
FAR = Limits(memory=1 << 40, processes=1 << 15)


@pytest.fixture
def ground() -> Ground:
    """Where slots can be made."""
    found = Ground.find(TAG, FAR)
    assert found is not None
    return found


@pytest.fixture
def slot(ground: Ground) -> Iterator[Slot]:
    """An empty one."""
    slot = ground.make()
    yield slot
    slot.remove()


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """A process to be moved about."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield child
    child.kill()
    child.wait()


async def test_a_slot_is_ended_as_a_whole(
    ground: Ground, slot: Slot, sleeper: "subprocess.Popen[bytes]"
) -> None:
    """Who is in it dies, stopped or not; then it can be removed, and one more kill is in vain."""
    ground.enter(slot, sleeper.pid)
    os.kill(sleeper.pid, signal.SIGSTOP)
    assert slot.pids() == [sleeper.pid]
    assert not slot.remove()
    slot.kill()
    await until_gone(sleeper.pid)
    assert slot.remove()
    slot.kill()
    assert slot.pids() == []


async def test_who_is_only_passing_through_is_spared(
    ground: Ground, slot: Slot, sleeper: "subprocess.Popen[bytes]"
) -> None:
    """While the fork server is in a slot a kill waits for it to leave."""
    run = subprocess.Popen(["sleep", "600"], start_new_session=True)
    slot.unseal()
    for each in (sleeper, run):
        ground.enter(slot, each.pid)
    slot.kill()
    assert alive(run.pid)
    ground.turn_out(sleeper.pid)
    slot.seal()
    await until_gone(run.pid)
    run.wait()
    assert alive(sleeper.pid)


def test_another_server_finds_it(
    ground: Ground, slot: Slot, sleeper: "subprocess.Popen[bytes]"
) -> None:
    """By a process that is in it, or as a left-over; of its own data directory and of no other."""
    ground.enter(slot, sleeper.pid)
    other = Ground.find(TAG, FAR)
    assert other is not None
    again = other.of(sleeper.pid)
    assert again is not None
    assert again.name == slot.name
    assert slot.name in [left.name for left in other.left_over([])]
    assert slot.name not in [left.name for left in other.left_over([slot.name])]
    assert slot.name not in [left.name for left in ground.left_over([])]
    stranger = Ground.find("test111111", FAR)
    assert stranger is not None
    assert stranger.of(sleeper.pid) is None
    assert stranger.left_over([]) == []
    assert ground.of(os.getpid()) is None
    assert ground.of(2**22 + 1) is None


def test_only_the_empty_slots_of_dead_servers_are_tidied_up(ground: Ground, slot: Slot) -> None:
    """A living server's is left, also when nobody is in it yet."""
    home = Path(slot.end).parents[1]
    dead = home / f"keepstream.test222222.{2**22 + 1}-1"
    dead.mkdir()
    ground.tidy()
    assert not dead.exists()
    assert (home / slot.name).exists()

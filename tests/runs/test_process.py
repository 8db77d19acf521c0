"""What is known of a process, and which signals are never sent."""

import asyncio
import os
import signal
import subprocess

from server.runs.last_words import LastWords
from server.runs.process import Leader, boot_id, stat
from tests.runs.conftest import alive, until_gone


def _sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "600"], start_new_session=True)


def test_a_process_has_a_start_time_and_a_boot() -> None:
    """Enough to know it again."""
    own = stat(os.getpid())
    assert own is not None
    assert own.parent == os.getppid()
    assert own.started > 0
    assert stat(2**22 + 1) is None
    assert len(boot_id()) == 36


async def test_a_death_is_told_once() -> None:
    """From the kernel, whoever reaps it."""
    child = _sleeper()
    leader = Leader(child.pid)
    told: list[bool] = []
    gone = asyncio.Event()

    def died() -> None:
        told.append(True)
        gone.set()

    leader.watch(asyncio.get_running_loop(), died)
    os.kill(child.pid, signal.SIGKILL)
    await asyncio.wait_for(gone.wait(), 30)
    state = stat(child.pid)
    assert state is not None
    assert state.state == "Z"
    assert leader.gone
    child.wait()
    assert told == [True]


async def test_one_that_is_gone_already_is_told_too() -> None:
    """A process that died before anybody could look."""
    child = _sleeper()
    child.kill()
    child.wait()
    gone = asyncio.Event()
    leader = Leader(child.pid)
    leader.watch(asyncio.get_running_loop(), gone.set)
    await asyncio.wait_for(gone.wait(), 30)
    leader.kill()


async def test_the_group_is_spared_until_it_is_the_leaders_own() -> None:
    """Before the hello only the process itself is signalled."""
    group = subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo $!; wait"], start_new_session=True, stdout=subprocess.PIPE
    )
    assert group.stdout is not None
    other = int(group.stdout.readline())
    leader = Leader(group.pid)
    leader.kill()
    await until_gone(group.pid)
    assert alive(other)
    leader.groups = True
    leader.kill()
    await until_gone(other)
    group.wait()
    group.stdout.close()
    leader.close(asyncio.get_running_loop())


async def test_a_pid_that_was_given_again_is_spared() -> None:
    """Another start time is another process: its group gets no signal."""
    child = _sleeper()
    leader = Leader(child.pid)
    leader.close(asyncio.get_running_loop())
    leader.groups = True
    leader.started += 1
    leader.kill()
    assert alive(child.pid)
    leader.started -= 1
    leader.kill()
    await until_gone(child.pid)
    child.wait()


def test_last_words_do_not_wait(tmp_path: object) -> None:
    """With a writer that is silent, with none, and with more than anybody wants."""
    from pathlib import Path

    words = LastWords(Path(str(tmp_path)) / "r.stderr").open()
    assert words.read() == b""
    writer = os.open(words.path, os.O_RDWR | os.O_NONBLOCK)
    assert words.read() == b""
    os.write(writer, b"x" * 5000)
    assert words.read() == b"x" * 5000
    os.write(writer, b"last")
    os.close(writer)
    assert words.read() == b"last"
    words.close()
    words.close()
    assert not words.path.exists()
    assert words.read() == b""

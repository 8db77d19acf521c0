"""What goes over the pipe, and when."""

import contextlib
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.workflows.conftest import LIMIT, Playhouse, Run, Start
from workflows.runtime.listener import connect
from workflows.runtime.pipe import Decoder, Word

WORDS = (
    b'{"welcome":{"ack":3}}\n{"start":{"workflow":"w","input":{"a":"\xc3\xa9"}}}\n{"ack":7}\n'
    b'{"input":{"request":"q1","value":[null]}}\n{"cancel":"why","later":1}\n{"end":true}\n'
)


A_SERVER = """
import sys, time, multiprocess
from workflows.runtime.main import enter
multiprocess.get_context("forkserver").Process(target=enter, args=sys.argv[1:]).start()
time.sleep(600)
"""


@contextlib.contextmanager
def killing(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Kill a process at the end, however that comes."""
    try:
        yield
    finally:
        process.kill()


def test_words_come_out_wherever_they_were_cut() -> None:
    """The decoder gives the same words for whole and for single bytes."""
    bytewise = Decoder()
    one_by_one = [word for byte in WORDS for word in bytewise.feed(bytes([byte]))]
    assert one_by_one == Decoder().feed(WORDS)
    assert [word.ack for word in one_by_one if word.ack is not msgspec.UNSET] == [7]
    assert len(one_by_one) == 6


@pytest.mark.parametrize("line", [b"{\n", b"[]\n", b'{"ack":"x"}\n', b"\xff\n", b"\n"])
def test_anything_else_is_an_error(line: bytes) -> None:
    """A line that is none of the server's raises."""
    with pytest.raises(msgspec.DecodeError):
        Decoder().feed(line)


def test_unknown_keys_are_ignored() -> None:
    """A newer server may say more."""
    assert Decoder().feed(b'{"news":1}\n') == [Word()]


def test_hello_comes_first(playhouse: Playhouse) -> None:
    """The child names its run and its secret before anything else, and runs nothing yet."""
    run, hello = playhouse.begin("emits_then_exits")
    assert hello == {"pipe": 1, "run": "r_1", "secret": "s3cret", "sent": 0, "asking": []}
    run.say(welcome={"ack": 0})
    run.say(end=True)
    assert run.hear() is None
    assert run.exit_code() == 0


def test_server_may_speak_in_single_bytes(playhouse: Playhouse) -> None:
    """The child understands a server whose lines come in pieces."""
    run, _ = playhouse.begin("adds")
    run.say_in_bytes(b'{"welcome":{"ack":0}}\n{"start":{"workflow":"adds","input":{"a":1}}}\n')
    assert run.outcome()["result"] == 3


def test_exit_after_emit_loses_nothing(start: Start) -> None:
    """What was emitted before os._exit has arrived."""
    run = start("emits_then_exits", count=100)
    assert run.died() == 0
    assert run.events == [("step", {"i": i}) for i in range(100)]


def test_threads_keep_their_order(start: Start) -> None:
    """Numbers have no hole, and each thread's events come in its order."""
    run = start("emits_from_threads", threads=8, each=200)
    run.outcome()
    by_thread: dict[int, list[int]] = {who: [] for who in range(8)}
    for _, data in run.events:
        by_thread[data["who"]].append(data["i"])
    assert by_thread == {who: list(range(200)) for who in range(8)}


def test_lines_have_a_time(start: Start) -> None:
    """Each line carries its time in microseconds, in the order of the numbers here."""
    run = start("emits_from_threads", threads=2, each=50)
    run.outcome()
    times = [line["t"] for line in run.lines]
    assert times == sorted(times)
    assert 1_700_000_000_000_000 < times[0] < 5_000_000_000_000_000


def test_start_is_obeyed_once(start: Start) -> None:
    """A repeated start starts nothing."""
    run = start("adds", a=1)
    run.say(start={"workflow": "adds", "input": {"a": 5}})
    assert run.outcome()["result"] == 3


def test_child_is_a_process_of_its_own(start: Start) -> None:
    """It leads its own session and holds no descriptor but its own."""
    told = start("tells_of_its_process").outcome()["result"]
    assert told["leader"]
    assert told["main_thread"]
    assert told["threads"] == 2
    assert "default_int_handler" in told["sigint"]
    held = told["descriptors"]
    assert held["0"] == "/dev/null"
    assert held["1"] == "pipe"
    others = sorted(kind for fd, kind in held.items() if int(fd) > 2 and kind != "/dev/null")
    assert others.pop(0).startswith("/")  # stderr's
    pipes = ["pipe"] * 3  # stdout's, and both ends of what stderr is copied to
    found = [kind for kind in others if not kind.startswith("/proc")]
    assert found == ["anon_inode", *pipes, "socket"]


def test_forked_copy_speaks_for_nobody(start: Start) -> None:
    """A process forked by the workflow cannot emit, holds no socket, and ends no run."""
    run = start("forks")
    refusal, sockets, status = run.outcome()["result"]
    assert "forked" in refusal
    assert sockets == "0"
    assert status == "0"
    assert [kind for kind, _ in run.events] == ["before", "after"]


def test_fork_server_ends_with_its_server(playhouse: Playhouse) -> None:
    """When the server is killed its fork server ends, though a run lives on."""
    fifo = playhouse.folder / "stderr"
    os.mkfifo(fifo)
    args = ["r_1", "s", playhouse.address, "tests.workflows.children:names_its_parent", str(fifo)]
    args.append("30")
    with subprocess.Popen([sys.executable, "-c", A_SERVER, *args]) as server, killing(server):
        pipe, _ = playhouse._listener.accept()
        run = Run(None, -1)
        run.connect(pipe)
        run.hear()
        run.say(welcome={"ack": 0})
        run.say(start={"workflow": "names_its_parent", "input": {}})
        parent = run.hear_type("parent")["data"]["pid"]
        fork_server = os.pidfd_open(parent)
        run.hear_type("input_request")
    ended, _, _ = select.select([fork_server], [], [], LIMIT)
    os.close(fork_server)
    assert ended
    run.say(input={"request": "q1", "value": True})
    line = run.hear()
    assert line is not None
    assert line["outcome"] == "complete"
    run.say(ack=line["n"])
    assert run.hear() is None
    run.hang_up()


def test_plain_process_can_be_a_run(playhouse: Playhouse) -> None:
    """`enter` needs no fork server."""
    fifo = playhouse.folder / "stderr"
    os.mkfifo(fifo)
    stderr = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    args = ["r_1", "s", playhouse.address, "tests.workflows.children:silent", str(fifo)]
    args.append("30")
    code = "import sys; from workflows.runtime.main import enter; enter(*sys.argv[1:])"
    with subprocess.Popen([sys.executable, "-c", code, *args]) as process:
        pipe, _ = playhouse._listener.accept()
        run = Run(process, stderr)
        run.connect(pipe)
        run.hear()
        run.say(welcome={"ack": 0})
        run.say(start={"workflow": "silent", "input": {}})
        line = run.hear()
        assert line is not None and line["outcome"] == "complete"
        run.say(ack=1)
        assert process.wait() == 0
        run.hang_up()
    os.close(stderr)


def test_long_addresses_can_be_reached(tmp_path: Path) -> None:
    """A socket whose path is longer than the kernel takes is reached through its folder."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    descriptor = os.open(folder, os.O_PATH)
    near = f"/proc/self/fd/{descriptor}/runs.sock"
    with socket.create_server(near, family=socket.AF_UNIX) as listener:
        connect(str(folder / "runs.sock")).close()
        listener.accept()[0].close()
    os.close(descriptor)

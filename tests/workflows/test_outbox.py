"""Lines are numbered, kept until acknowledged, and never dropped."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.workflows.conftest import LIMIT, Start
from workflows.runtime import pipe
from workflows.runtime.outbox import MAX_KEPT_BYTES, Outbox

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[list[Pair]]:
    """Two connections: the first will break."""
    made = [socket.socketpair(), socket.socketpair()]
    for pair in made:
        pair[1].settimeout(LIMIT)
    yield made
    for pair in made:
        for end in pair:
            end.close()


class Wants:
    """Remembers whether the outbox asked for a writable socket."""

    def __init__(self) -> None:
        self._on = False

    def __call__(self, on: bool) -> None:
        """Be told."""
        self._on = on

    def writable(self) -> bool:
        """What it was told last."""
        return self._on


def outbox() -> Outbox:
    """An outbox of a run that prints nothing."""
    return Outbox(printed=list)


def body(size: int = 1) -> bytes:
    """An event of about this size."""
    return pipe.event("step", {"pad": "x" * size})


def read_lines(end: socket.socket, count: int) -> list[dict[str, Any]]:
    """Read exactly so many lines."""
    received = b""
    while received.count(b"\n") < count:
        received += end.recv(1 << 16)
    assert received.endswith(b"\n")
    return [msgspec.json.decode(line) for line in received.splitlines()]


def test_sent_at_once(pairs: list[Pair]) -> None:
    """When put returns, the line can be read."""
    box, (near, far) = outbox(), pairs[0]
    box.connect(near, 0, Wants())
    box.put(body())
    far.setblocking(False)
    assert read_lines(far, 1)[0]["n"] == 1


def test_sends_again_what_was_not_acknowledged(pairs: list[Pair]) -> None:
    """After a break the next connection gets every line after the welcome's ack, in order."""
    box, (first, second) = outbox(), pairs
    box.connect(first[0], 0, Wants())
    for _ in range(3):
        box.put(body())
    box.acknowledge(1)
    first[1].close()
    box.put(body())
    box.put(body())
    box.connect(second[0], 2, Wants())
    assert [line["n"] for line in read_lines(second[1], 3)] == [3, 4, 5]
    box.acknowledge(5)
    box.wait_until_acknowledged()


def test_broken_line_is_sent_whole(pairs: list[Pair]) -> None:
    """A line of which a part had been sent is sent from its beginning on the next connection."""
    box, (first, second) = outbox(), pairs
    wants = Wants()
    box.connect(first[0], 0, wants)
    for _ in range(5):
        box.put(body(200_000))
    assert wants.writable()
    first[1].recv(250_001)
    box.disconnect()
    reader = threading.Thread(target=lambda: heard.extend(read_lines(second[1], 4)))
    heard: list[dict[str, Any]] = []
    reader.start()
    box.connect(second[0], 1, wants)
    while wants.writable():
        box.carry()
    reader.join()
    assert [line["n"] for line in heard] == [2, 3, 4, 5]


def test_full_socket_delays_and_keeps_order(pairs: list[Pair]) -> None:
    """What a full socket did not take follows by carry, before anything later."""
    box, (near, far) = outbox(), pairs[0]
    wants = Wants()
    box.connect(near, 0, wants)
    for _ in range(40):
        box.put(body(50_000))
    assert wants.writable()
    heard: list[dict[str, Any]] = []
    reader = threading.Thread(target=lambda: heard.extend(read_lines(far, 41)))
    reader.start()
    box.put(body())
    while wants.writable():
        box.carry()
    reader.join()
    assert [line["n"] for line in heard] == list(range(1, 42))


def test_too_long_a_line_takes_no_number() -> None:
    """A line over 1 MiB raises, and the next one has its number."""
    box = outbox()
    with pytest.raises(ValueError, match="a line may have"):
        box.put(body(1 << 20))
    box.put(body())
    assert box.last_number == 1


def test_longest_line_fits() -> None:
    """A line of exactly 1 MiB, its end included, is taken; one byte more is not."""
    head = len(pipe.numbered(1, 10**15, body(0)))
    box = outbox()
    with pytest.raises(ValueError, match="1048577 bytes"):
        box.put(body((1 << 20) - head + 1))
    box.put(body((1 << 20) - head))


def test_what_was_printed_goes_first() -> None:
    """Output caught before an event has a number before it."""
    printed = [[pipe.event("log", {"text": "a"})], []]
    box = Outbox(printed=lambda: printed.pop(0))
    box.put(body())
    assert box.last_number == 2


def test_nothing_follows_the_outcome() -> None:
    """After the outcome, put raises and prints are left alone."""
    box = outbox()
    box.finish(pipe.CANCELLED, list)
    with pytest.raises(RuntimeError, match="ended"):
        box.put(body())
    box.put_printed()
    assert box.last_number == 1
    assert not box.takes_printed


def fill(box: Outbox) -> int:
    """Put until the next put would block; return the number of lines."""
    while box.takes_printed:
        box.put(body(100_000))
    return box.last_number


def test_blocks_when_too_much_is_kept() -> None:
    """Over 16 MiB a put waits until enough has been acknowledged."""
    box = outbox()
    count = fill(box)
    assert MAX_KEPT_BYTES < count * 100_100 < MAX_KEPT_BYTES + 200_000
    thread = threading.Thread(target=box.put, args=(body(),))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    assert box.last_number == count
    with socket.socket(socket.AF_UNIX) as nowhere:
        box.connect(nowhere, 1, Wants())  # the server has the first line
    thread.join(LIMIT)
    assert box.last_number == count + 1


def test_stop_wakes_a_blocked_put() -> None:
    """A put that waits for room raises CancelledError when a stop is asked for."""
    box = outbox()
    count = fill(box)
    raised: list[BaseException] = []

    def put() -> None:
        try:
            box.put(body())
        except asyncio.CancelledError as error:
            raised.append(error)

    thread = threading.Thread(target=put)
    thread.start()
    box.stop()
    thread.join(LIMIT)
    assert len(raised) == 1
    assert box.last_number == count


def test_prints_are_taken_after_a_stop() -> None:
    """A full outbox holds prints back, but not those of code that was asked to stop."""
    box = outbox()
    fill(box)
    assert not box.takes_printed
    box.stop()
    assert box.takes_printed


def test_child_goes_on_when_acknowledged(start: Start) -> None:
    """A run that has filled its outbox goes on as acks come, and nothing is missing."""
    run = start("floods", count=300)
    while len(run.lines) * 100_000 < MAX_KEPT_BYTES:
        run.hear()
    run.say(ack=len(run.lines))
    assert run.outcome()["result"] == "done"
    assert [data["i"] for _, data in run.events] == list(range(300))


def test_child_blocked_in_emit_can_be_cancelled(start: Start) -> None:
    """A run blocked in emit ends by a cancel, though nothing is ever acknowledged."""
    run = start("floods", count=300)
    while len(run.lines) * 100_000 < MAX_KEPT_BYTES:
        run.hear()
    run.say(cancel="enough")
    while (line := run.hear()) is not None and "outcome" not in line:
        pass
    assert line is not None and line["outcome"] == "cancelled"


def test_child_blocked_in_print_goes_on_when_acknowledged(start: Start) -> None:
    """Prints are held back by a full outbox, and none is lost."""
    run = start("prints_a_flood", lines=20_000)
    assert run.outcome()["outcome"] == "complete"
    assert [int(text.split()[0]) for text in run.printed()] == list(range(20_000))

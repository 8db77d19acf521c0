"""What the code prints becomes `log` events."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows.conftest import Start
from workflows.runtime.capture import MAX_TEXT_BYTES, Capture, Splitter


def lines_of(written: bytes) -> list[str]:
    """The rule, in one line, for lines that are not long."""
    *lines, rest = written.split(b"\n")
    ended = [line.removesuffix(b"\r") for line in lines]
    return [line.decode("utf-8", "replace") for line in ended + ([rest] if rest else [])]


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"\n", b"\r\n", "é€😀".encode()])))
def test_lines_do_not_depend_on_the_cuts(pieces: list[bytes]) -> None:
    """The same lines come out whole, piece by piece and byte by byte."""
    written = b"".join(pieces)
    for cuts in ([written], pieces, [bytes([byte]) for byte in written]):
        splitter = Splitter()
        texts = [text for cut in cuts for text in splitter.feed(cut)] + splitter.rest()
        assert texts == lines_of(written)
        assert splitter.rest() == []


@pytest.mark.parametrize("step", [1 << 20, 4096])
@pytest.mark.parametrize("size", [65535, 65536, 65537, 131072, 131073, 200_000])
def test_long_lines_come_in_pieces(size: int, step: int) -> None:
    """No piece is over 64 KiB, none is empty, and no character is cut."""
    line = ("a" + "€" * (size // 3 + 1)).encode()[:size].decode("utf-8", "ignore").encode()
    splitter = Splitter()
    pieces: list[str] = []
    for at in range(0, len(line), step):
        pieces += splitter.feed(line[at : at + step])
    pieces += splitter.feed(b"\n")
    assert "".join(pieces) == line.decode()
    assert all(0 < len(piece.encode()) <= MAX_TEXT_BYTES for piece in pieces)
    assert all(len(piece.encode()) > MAX_TEXT_BYTES - 3 for piece in pieces[:-1])


def test_what_is_taken_from_stderr_is_its_last_words_until_the_next_look(tmp_path: Path) -> None:
    """A death between taking and sending leaves the words in the pipe; they are taken once."""
    os.mkfifo(fifo := tmp_path / "stderr")
    stdout, printing = os.pipe()
    os.set_blocking(stdout, False)
    server, ours = (os.open(fifo, os.O_RDONLY | os.O_NONBLOCK) for _ in range(2))
    writing = os.open(fifo, os.O_WRONLY)
    capture = Capture(stdout, ours)
    try:
        os.write(writing, b"first\n")
        assert [b"first" in body for body in capture.take()] == [True]
        assert capture.take() == []
        with pytest.raises(BlockingIOError):
            os.read(server, 100)
        os.write(writing, b"second\n")
        assert [b"second" in body for body in capture.take()] == [True]
        assert os.read(server, 100) == b"second\n"  # as a server reads what a dead process left
    finally:
        capture.close()
        for each in (printing, server, writing):
            os.close(each)


def test_every_way_to_print(start: Start) -> None:
    """Prints, writes, other programs and a last line without an end are caught, in order."""
    run = start("prints")
    run.outcome()
    told = [
        line["data"].get("text", "·") if line["type"] == "log" else "event"
        for line in run.lines
        if "type" in line
    ]
    assert told == [
        *("by print", "event", "by write", "to stderr", "event", "by a program", "event", "no end")
    ]
    assert run.printed("stderr") == ["to stderr"]


def test_bad_bytes(start: Start) -> None:
    """Bytes that are not UTF-8 become U+FFFD, and control characters arrive as they are."""
    run = start("writes", hexes=["ff41c3", "0a", "c3", "a9000d0a", "e282"])
    run.outcome()
    assert run.printed() == ["\ufffdA\ufffd", "é\0", "\ufffd"]


def test_long_line(start: Start) -> None:
    """A line of 200 KB comes in four pieces."""
    run = start("writes_long", size=200_000)
    run.outcome()
    assert [len(text.encode()) for text in run.printed()] == [65536, 65536, 65536, 3392]


def test_closed_output(start: Start) -> None:
    """A workflow that closes its output runs on, and nothing spins on the closed ends."""
    idle = start("closes_its_output").outcome()["result"]
    assert idle < 0.03


def test_c_stdio(start: Start) -> None:
    """What C keeps in its buffer is not lost at the end."""
    run = start("uses_c_stdio")
    run.outcome()
    assert run.printed() == ["by C"]

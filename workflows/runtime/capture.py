"""What the workflow's code writes to stdout and stderr, as `log` events.

Caught at the descriptors, so that C libraries and programs started by the workflow are heard too.
stdout becomes an anonymous pipe. stderr becomes a named one that the server made and holds open:
what is still in it when the process has died are its last words. So nothing is taken out of it
before the outbox has had its turn to send it.
"""

import ctypes
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import suppress

from workflows.runtime import pipe
from workflows.runtime.libc import LIBC, tee

MAX_TEXT_BYTES = 64 << 10
_PIPE_BYTES = 64 << 10  # what a pipe of Linux holds: one read empties it


class Splitter:
    """Bytes in, lines out. A line over 64 KiB comes in pieces, none of which cuts a character."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, written: bytes) -> list[str]:
        """Return the lines, and the pieces of long ones, that are complete now."""
        *lines, self._held = (self._held + written).split(b"\n")
        texts = [text for line in lines for text in _texts(line.removesuffix(b"\r"))]
        *pieces, self._held = _pieces(self._held)
        return texts + [_decode(piece) for piece in pieces]

    def rest(self) -> list[str]:
        """Return the last line if it had no end."""
        held, self._held = self._held, b""
        return _texts(held) if held else []


def _texts(line: bytes) -> list[str]:
    return [_decode(piece) for piece in _pieces(line)]


def _pieces(line: bytes) -> Iterator[bytes]:
    while len(line) > MAX_TEXT_BYTES:
        cut = MAX_TEXT_BYTES
        while cut > MAX_TEXT_BYTES - 3 and line[cut] & 0xC0 == 0x80:  # inside a UTF-8 character
            cut -= 1
        yield line[:cut]
        line = line[cut:]
    yield line


def _decode(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


class Stream:
    """One of the two: a non-blocking descriptor to read from and the line in progress."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor
        self.open = True
        self._splitter = Splitter()

    def take(self) -> list[bytes]:
        """Return the bodies of the `log` events of what was written since the last time."""
        return self._bodies(self._splitter.feed(self._read()))

    def rest(self) -> list[bytes]:
        """Return the same for a last line without an end."""
        return self._bodies(self._splitter.rest())

    def close(self) -> None:
        """Let go of it."""
        self.open = False
        os.close(self.descriptor)

    def _read(self) -> bytes:
        if not self.open:
            return b""
        try:
            written = self._written()
        except BlockingIOError:
            return b""
        self.open = bool(written)  # the end: the code has closed its stdout or stderr
        return written

    def _written(self) -> bytes:
        return os.read(self.descriptor, _PIPE_BYTES)

    def _bodies(self, texts: list[str]) -> list[bytes]:
        return [pipe.event("log", {"stream": self.name, "text": text}) for text in texts]


class LastWords(Stream):
    """stderr: what was taken stays in the pipe until the next time, when it has been sent.

    A process that dies right after its last words may do so between the two; they are heard twice
    then, and not never. The pipe stays readable, so who waits for it comes again at once.
    """

    def __init__(self, name: str, descriptor: int) -> None:
        super().__init__(name, descriptor)
        self._taken = 0  # bytes that are in the pipe still
        self._copy, self._copied = os.pipe()

    def close(self) -> None:
        """Let go of it, and of the copy."""
        super().close()
        os.close(self._copy)
        os.close(self._copied)

    def _written(self) -> bytes:
        sent, self._taken = self._taken, 0
        if sent:
            os.read(self.descriptor, sent)
        self._taken = tee(self.descriptor, self._copied, _PIPE_BYTES)
        return os.read(self._copy, self._taken) if self._taken else b""


class Capture:
    """Both streams. Its callers see to it that only one thread at a time reads."""

    def __init__(self, stdout: int, stderr: int) -> None:
        self.streams = [Stream("stdout", stdout), LastWords("stderr", stderr)]
        self._poll = select.poll()
        for stream in self.streams:
            self._poll.register(stream.descriptor, select.POLLIN)

    def take(self) -> list[bytes]:
        """Return the bodies of the `log` events of what was written since the last time."""
        if not self._poll.poll(0):  # before every event: reading in vain would cost ten times this
            return []
        return [body for stream in self.streams for body in stream.take()]

    def take_all(self) -> list[bytes]:
        """Return the same with the lines that have no end: nothing more is expected."""
        return self.take() + [body for stream in self.streams for body in stream.rest()]

    def close(self) -> None:
        """Let go of both."""
        for stream in self.streams:
            stream.close()


def catch_output(stderr: str) -> Capture:
    """Point descriptors 1 and 2 at pipes; `stderr` is the path of a named one that exists."""
    _start_afresh()
    stdout_read, stdout_write = os.pipe()
    os.set_blocking(stdout_read, False)
    # The reading end first: neither call can block then, server or no server.
    stderr_read = os.open(stderr, os.O_RDONLY | os.O_NONBLOCK)
    stderr_write = os.open(stderr, os.O_WRONLY)
    _move(stdout_write, 1)
    _move(stderr_write, 2)
    return Capture(stdout_read, stderr_read)


def flush_output() -> None:
    """Bring what Python and C hold back in their buffers to the descriptors."""
    for text in (sys.stdout, sys.stderr):
        # It may be closed, replaced or removed by the workflow's code.
        with suppress(AttributeError, OSError, ValueError):
            text.flush()
    # C's own stdout only: flushing every stream would wait for one that a thread is blocked in.
    LIBC.fflush(ctypes.c_void_p.in_dll(LIBC, "stdout"))


def _start_afresh() -> None:
    """Throw away what preloaded modules printed in the fork server and nobody has flushed.

    Every child has a copy of it, and would print it as its own. The text files are set up while 1
    and 2 are the null device: files that began as regular ones seek, which a pipe refuses.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    _move(nowhere, 2)
    flush_output()
    for text in (sys.stdout, sys.stderr):
        if isinstance(text, io.TextIOWrapper):
            text.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _move(descriptor: int, to: int) -> None:
    os.dup2(descriptor, to)
    os.close(descriptor)

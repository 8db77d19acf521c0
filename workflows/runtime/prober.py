"""Tell which workflows modules have: `python -m workflows.runtime.prober SECONDS MODULE…`.

Prints a JSON object on a line for each module, in the order in which they are done: what `probe`
finds, and `printed`, whether its import has printed anything. A module whose import ends the
interpreter, or takes longer than so many seconds, has an `error` that says so.

Each is imported in a fork of this process, which may hang, exit, crash, or print without end, and
is killed with all of its process group. A fresh interpreter for each would spend most of its time
on what all of them import. The end of standard input says that nobody wants the answers any more:
what is under way is killed. So it is where this process dies.
"""

import asyncio  # noqa: F401 (nearly every module of workflows imports it)
import contextlib
import os
import select
import signal
import sys
import time
from collections import deque
from typing import Any, NoReturn

import msgspec

from workflows.runtime.libc import end_with_parent
from workflows.runtime.probe import probe

_AT_ONCE = 2
_ANSWER_BYTES = 4 << 20
_WORDS_BYTES = 2000  # of the end of what a failed import has printed
_PIPE_BYTES = 1 << 16  # all that one holds


class _Import:
    """A module that is being imported in a process of its own."""

    def __init__(self, module: str, seconds: float) -> None:
        self.gone = False
        self.until = time.monotonic() + seconds
        self._module = module
        self._seconds = seconds
        self._answer, self._words = bytearray(), bytearray()
        answer, answers = os.pipe()
        words, speaks = os.pipe()
        prober = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _import(module, answers, speaks, prober)
        os.close(answers)
        os.close(speaks)
        self._pidfd = os.pidfd_open(self._pid)
        self._streams = {answer: self._answer, words: self._words}
        for stream in self._streams:
            os.set_blocking(stream, False)

    @property
    def descriptors(self) -> list[int]:
        """Those that it is heard of by."""
        return [self._pidfd, *self._streams]

    def hear(self, descriptor: int) -> None:
        """Take what has come, so that its process blocks on nothing."""
        if descriptor == self._pidfd:
            self.gone = True
        elif piece := os.read(descriptor, _PIPE_BYTES):
            self._streams[descriptor] += piece
            del self._answer[_ANSWER_BYTES + 1 :]  # too long, it is no JSON
            del self._words[:-_WORDS_BYTES]
        else:
            del self._streams[descriptor]
            os.close(descriptor)

    def kill(self) -> None:
        """End its process and its group, which it may not have made yet."""
        for end in (os.kill, os.killpg):
            with contextlib.suppress(ProcessLookupError):
                end(self._pid, signal.SIGKILL)

    def end(self) -> dict[str, Any]:
        """Kill what is left of it, and return what there is to say."""
        self.kill()
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        for stream in tuple(self._streams):
            # Not to its end: what has left the group may hold it for ever.
            with contextlib.suppress(BlockingIOError):
                self.hear(stream)
        for descriptor in self.descriptors:
            os.close(descriptor)
        try:
            found = msgspec.json.decode(self._answer, type=dict[str, Any])
        except msgspec.DecodeError:
            return {"module": self._module, "error": self._why(code)}
        return found | {"module": self._module, "printed": bool(self._words)}

    def _why(self, code: int) -> str:
        if not self.gone:
            return f"its import took longer than {self._seconds:g} s"
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        words = self._words.decode(errors="replace").strip()
        return f"its import ended the interpreter ({how}). {words}".strip()


def _import(module: str, answers: int, speaks: int, prober: int) -> NoReturn:
    """Say what it has, and leave without running anything that it has left behind."""
    code = 1
    try:
        os.setpgid(0, 0)
        end_with_parent(prober)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(speaks, 1)
        os.dup2(speaks, 2)
        os.dup2(answers, 3, inheritable=False)
        os.closerange(4, 256)  # all that its parent can have open
        text = msgspec.json.encode(probe(module))
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):  # it may be the module's own
                stream.flush()
        while text:
            text = text[os.write(3, text) :]
        code = 0
    finally:
        os._exit(code)  # whatever happens: the rest of this program is its parent's


def main() -> None:
    """Print what there is to say of each module."""
    seconds, waiting = float(sys.argv[1]), deque(sys.argv[2:])
    under_way: list[_Import] = []
    while waiting or under_way:
        while waiting and len(under_way) < _AT_ONCE:
            under_way.append(_Import(waiting.popleft(), seconds))
        _listen(under_way)
        for each in [one for one in under_way if one.gone or one.until <= time.monotonic()]:
            under_way.remove(each)
            line = msgspec.json.encode(each.end()) + b"\n"
            while line:
                line = line[os.write(1, line) :]


def _listen(under_way: list[_Import]) -> None:
    """Wait until one of them has something to say, or its time is up."""
    of = {descriptor: each for each in under_way for descriptor in each.descriptors}
    poll = select.poll()
    for descriptor in (0, *of):
        poll.register(descriptor, select.POLLIN)
    left = min(each.until for each in under_way) - time.monotonic()
    for descriptor, _ in poll.poll(max(0.0, 1000 * left)):
        if descriptor == 0:
            for each in under_way:
                each.kill()
            os._exit(0)
        of[descriptor].hear(descriptor)


if __name__ == "__main__":
    main()

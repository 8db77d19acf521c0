"""A run's process: the real outbox, inbox and listener, and a program that the seed wrote."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.model.pipes import Pipe
from workflows.runtime import inbox, pipe
from workflows.runtime.inbox import Inbox
from workflows.runtime.listener import Listener
from workflows.runtime.outbox import Outbox


class Gone(Exception):
    """The process has ended itself."""


class Blocked(Exception):
    """The workflow's thread would wait here."""


def _wait(*_: object) -> None:
    raise Blocked


def _nothing() -> Sequence[bytes]:
    return ()


class Process:
    """One process of one run."""

    def __init__(self, pid: int, run: str, secret: str, program: Sequence[str]) -> None:
        self.pid = pid
        self.run = run
        self.program = program
        self.alive = True
        self.killed = False
        self.murdered = False  # by who is no server
        self.crashed = False  # by itself, without a word
        self.broken = False  # a connection of it was: what was in the kernel may be gone with it
        self.generation = 0  # how often the disk had been put back when it was started
        self.began = False  # user code has run
        self.emitted: list[bytes] = []  # data of every line that got a number, the outcome's b""
        self.outcome: str | None = None
        self.stops = 0
        self.answers: dict[str, list[object]] = {}
        self.asking: str | None = None
        self.most = 0  # bytes that the outbox ever kept
        self.died: Callable[[], None] | None = None
        self.pipe: Pipe | None = None
        self._at = 0
        self.inbox = Inbox()
        self.outbox = Outbox(printed=_nothing)
        self.outbox._news.wait = _wait  # type: ignore[method-assign,assignment]
        self.inbox.on_stop(self.outbox.stop)
        self.inbox.on_stop(self._stopped)
        capture: Any = None
        hello = lambda: pipe.hello(run, secret, self.outbox.last_number, self.inbox.asking)  # noqa: E731
        self._listener = Listener("", hello, self.inbox, self.outbox, capture, patience=300.0)
        self._attention: Any = self._listener._attention
        self._words = pipe.Decoder()

    # -- its connection

    def connect(self, pipe_: Pipe) -> None:
        """Say hello over a new connection."""
        self.pipe = pipe_
        pipe_.near.sendall(self._listener._hello())
        self._words = pipe.Decoder()
        self._attention.writable_watched = False

    @property
    def hears(self) -> bool:
        """Whether its socket would wake the listener."""
        pipe_ = self.pipe
        assert pipe_ is not None
        watched: bool = self._attention.writable_watched
        return pipe_.near.readable or (watched and pipe_.near.writable)

    def listen(self) -> None:
        """Do what the listener's thread does when its socket wakes it."""
        pipe_ = self.pipe
        assert pipe_ is not None
        try:
            near: Any = pipe_.near
            if self._attention.writable_watched and near.writable:
                self.outbox.carry()
            if near.readable:
                self._listener._hear(near, self._words)
        except Gone:
            self.die()
        except (OSError, EOFError):
            self.lose()

    def lose(self) -> None:
        """Notice that the connection is broken."""
        self.outbox.disconnect()
        if self.pipe is not None:
            self.pipe.near.close()
        self.pipe = None

    def _stopped(self) -> None:
        self.stops += 1

    @property
    def sent(self) -> int:
        """The events that are in the kernel or further, its outcome not counted."""
        lines = self.outbox._n - len(self.outbox._unsent)
        return min(lines, sum(1 for data in self.emitted if data))

    # -- its program

    @property
    def only_waits(self) -> bool:
        """Whether nothing but a cancel will move it."""
        ends = self._at == len(self.program) - 1 and self.program[-1] == "wait"
        return self.alive and self.began and ends and not self.stops and self.outcome is None

    @property
    def waits(self) -> bool:
        """Whether user code cannot go on by itself."""
        if not self.began:
            return not self.inbox._starts.qsize()
        if self.asking is None:
            return self.only_waits
        return not self.answers[self.asking] and not self.stops

    def go_on(self) -> bool:
        """Do the next step of user code; False if it has to wait in the outbox."""
        if not self.began:
            self.inbox.wait_for_start()
            self.began = True
            return True
        try:
            self._step()
        except Blocked:
            return False
        finally:
            self.most = max(self.most, self.outbox._size)
        return True

    def _step(self) -> None:
        if self.outcome is not None:
            self.outbox.wait_until_acknowledged()
            self.die()  # by itself
            return
        if self.asking is not None and not self.stops:
            self.inbox._forget(self.asking)
            self.asking = None
        if self.only_waits:
            return
        word = self.program[self._at] if not self.stops else "stop"
        if word == "emit":
            self._emit(b'{"i":%d}' % len(self.emitted), b"word")
        elif word == "ask":
            self._ask(f"q{self._at}")
        elif word == "crash":
            self.crashed = True
            self.die()
            return
        else:
            self._end("cancelled" if word == "stop" else word)
            return
        self._at += 1

    def _emit(self, data: bytes, kind: bytes) -> None:
        self.outbox.put(b'{"type":"%b","data":%b}' % (kind, data))
        self.emitted.append(data)

    def _ask(self, request: str) -> None:
        heard = self.answers.setdefault(request, [])

        def deliver(value: object) -> None:
            if value is not inbox._STOPPED:
                heard.append(value)

        self.inbox._open(request, deliver)
        try:
            data = b'{"request":"%b","prompt":"?"}' % request.encode()
            self._emit(data, b"input_request")
        except Blocked:
            self.inbox._forget(request)
            raise
        self.asking = request

    def _end(self, kind: str) -> None:
        if kind == "complete":
            body = pipe.completed(len(self.emitted))
        elif kind == "error":
            body = pipe.failed("workflow_error", "it raised")
        else:
            body = pipe.CANCELLED
        self.outbox.finish(body, _nothing)
        self.outcome = kind
        self.emitted.append(b"")

    # -- its end

    def die(self) -> None:
        """Be gone; the kernel closes what it held."""
        self.alive = False
        if self.pipe is not None:
            self.pipe.near.close()
        if self.died is not None:
            self.died()

    def kill(self) -> None:
        """Be killed."""
        if self.alive:
            self.killed = True
            self.die()

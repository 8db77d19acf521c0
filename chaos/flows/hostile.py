"""Children that break the pipe's rules on purpose, each in one way, after some honest events."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaos.flows.journaling import Noted
from chaos.history import FORGED
from workflows import Context, workflow
from workflows.runtime.listener import connect

HONEST = 10
MICROSECONDS = 1_790_000_000_000_000


class Pipe:
    """The child's own stream, in hands that it was not made for."""

    def __init__(self, ctx: Context, noted: Noted, victim: str) -> None:
        self.noted = noted
        self.next = noted.k + 1
        self._outbox: Any = ctx._outbox
        (self._listener,) = [t for t in threading.enumerate() if t.name == "keepstream-listener"]
        self.victim = victim
        """The path of a file with the hello of another run, secret included."""

    def say(self, raw: bytes) -> None:
        """Write to the stream, past the outbox."""
        stream: socket.socket = self._outbox._socket
        stream.sendall(raw)

    def forge(self, n: int, **more: Any) -> None:
        """Write an event that nobody emitted."""
        line = {"n": n, "t": MICROSECONDS, "type": FORGED, "data": {}, **more}
        self.say(json.dumps(line).encode() + b"\n")

    def own_hello(self) -> bytes:
        """What this run proves itself with."""
        listener: Any = self._listener
        found: bytes = listener._hello()
        return found

    def knock(self, hello: bytes) -> socket.socket:
        """Open another connection to the server, and say this."""
        listener: Any = self._listener
        other = connect(listener._address)
        other.sendall(hello)
        return other

    def knock_and_hear(self, hello: bytes) -> bytes:
        """The same, with what the server answers before it closes or a second has passed."""
        with self.knock(hello) as other:
            other.settimeout(1)
            heard = b""
            try:
                while piece := other.recv(4096):
                    heard += piece
            except OSError:
                pass
            return heard

    def break_off(self) -> None:
        """End the stream under the runtime's feet."""
        stream: socket.socket = self._outbox._socket
        stream.shutdown(socket.SHUT_RDWR)


def _line(n: str, rest: str) -> Callable[[Pipe], None]:
    """Write one line with a number: the next, or a wrong one."""

    def way(pipe: Pipe) -> None:
        numbers = {"next": pipe.next, "gap": pipe.next + 1, "zero": 0, "huge": 1 << 80, "minus": -1}
        pipe.say(f'{{"n":{numbers[n]},"t":{MICROSECONDS},{rest}}}\n'.encode())

    return way


def _raw(line: bytes) -> Callable[[Pipe], None]:
    return lambda pipe: pipe.say(line.replace(b"NEXT", b"%d" % pipe.next))


def repeats(pipe: Pipe) -> None:
    """Says numbers again, with other events."""
    for n in range(1, pipe.next):
        pipe.forge(n)


def talks_on(pipe: Pipe) -> None:
    """Goes on after an outcome."""
    pipe.say(b'{"n":%d,"t":1,"outcome":"complete","result":1}\n' % pipe.next)
    pipe.forge(pipe.next + 1)
    pipe.say(b'{"n":%d,"t":1,"outcome":"cancelled"}\n' % (pipe.next + 2))
    time.sleep(600)


def never_ends_a_line(pipe: Pipe) -> None:
    """Writes a line of 64 MiB, or as much of it as anyone takes."""
    for _ in range(64):
        pipe.say(b"x" * (1 << 20))


def steals_an_id(pipe: Pipe) -> None:
    """Says that it is another run, with its own secret and with guesses."""
    other = json.loads(Path(pipe.victim).read_text())["hello"]
    own = json.loads(pipe.own_hello())["hello"]
    for secret in (own["secret"], "", "guess", other["run"], "x" * 5000):
        hello = {"hello": {**other, "secret": secret}}
        pipe.knock_and_hear(json.dumps(hello).encode() + b"\n" + _forgery())


def steals_a_secret(pipe: Pipe) -> None:
    """Knows another run's secret, but is not its process."""
    pipe.knock_and_hear(Path(pipe.victim).read_bytes() + _forgery())


def comes_twice(pipe: Pipe) -> None:
    """Opens a second connection as itself, twice, and lets it go."""
    for _ in range(2):
        pipe.knock_and_hear(pipe.own_hello())


def comes_as_a_child(pipe: Pipe) -> None:
    """Has a process of its own say hello in its place."""
    hello = pipe.own_hello()
    child = os.fork()
    if child == 0:
        pipe.knock_and_hear(hello + _forgery())
        os._exit(0)
    os.waitpid(child, 0)


def knocks(pipe: Pipe) -> None:
    """Opens a hundred connections and says nothing, or half a hello, or rubbish."""
    says = (b"", pipe.own_hello()[:20], b"\xff\x00\n", b"{}\n", b'{"hello":{"pipe":99}}\n')
    open_ = [pipe.knock(says[number % len(says)]) for number in range(100)]
    time.sleep(0.1)
    for each in open_:
        each.close()


def _forgery() -> bytes:
    return b'{"n":1,"t":1,"type":"%b","data":{}}\n{"n":2,"t":1,"outcome":"cancelled"}\n' % (
        FORGED.encode()
    )


BREACHES: dict[str, Callable[[Pipe], None]] = {
    "garbage": _raw(b"\x00\xffgarbage\n"),
    "empty_line": _raw(b"\n"),
    "no_object": _raw(b"[1]\n"),
    "gap": _line("gap", f'"type":"{FORGED}","data":{{}}'),
    "zero": _line("zero", f'"type":"{FORGED}","data":{{}}'),
    "minus": _line("minus", f'"type":"{FORGED}","data":{{}}'),
    "huge": _line("huge", f'"type":"{FORGED}","data":{{}}'),
    "terminal_event": _line("next", '"type":"complete","data":{}'),
    "start_event": _line("next", '"type":"run_start","data":{}'),
    "false_outcome": _line("next", '"outcome":"winning"'),
    "foreign_code": _line("next", '"outcome":"error","error":{"code":"run_lost","message":""}'),
    "false_question": _line("next", '"type":"input_request","data":{"request":"a b","prompt":""}'),
    "bad_utf8": _raw(b'{"n":NEXT,"t":1,"type":"forged","data":{"a":"\xff"}}\n'),
    "raw_cr": _raw(b'{"n":NEXT,"t":1,"type":"forged","data":{"a":\r1}}\n'),
    "abyss": _raw(b'{"n":NEXT,"t":1,"type":"forged","data":%b\n' % (b'{"a":' * 100_000)),
    "long_line": _raw(b'{"n":NEXT,"t":1,"type":"forged","data":{"a":"%b"}}\n' % (b"x" * (2 << 20))),
    "hello_again": lambda pipe: pipe.say(pipe.own_hello()),
    "never_ends_a_line": never_ends_a_line,
}
HARMLESS: dict[str, Callable[[Pipe], None]] = {
    "repeats": repeats,
    "talks_on": talks_on,
    "steals_an_id": steals_an_id,
    "steals_a_secret": steals_a_secret,
    "comes_twice": comes_twice,
    "comes_as_a_child": comes_as_a_child,
    "knocks": knocks,
    "breaks_off": Pipe.break_off,
}


@workflow
def hostile(ctx: Context, journal: str, way: str, victim: str) -> str:
    """Emits some events, then does what it must not, then goes on as if nothing were."""
    noted = Noted(ctx, journal)
    for _ in range(HONEST):
        noted.emit()
    try:
        {**BREACHES, **HARMLESS}[way](Pipe(ctx, noted, victim))
    except OSError:
        time.sleep(600)  # cut off in the middle: what comes now is not its own to decide
    if way in BREACHES:
        time.sleep(600)
    for _ in range(HONEST):
        noted.emit()
    return way


@workflow
def careless(ctx: Context, journal: str, hello: str, stop: str, rate: float = 100) -> int:
    """Leaves its hello, with its secret, in a file, and emits until it is told to stop."""
    noted = Noted(ctx, journal)
    noted.emit()
    Path(f"{hello}.part").write_bytes(Pipe(ctx, noted, "").own_hello())
    Path(f"{hello}.part").rename(hello)
    while not Path(stop).exists():
        noted.emit()
        time.sleep(noted.pause(rate))
    return noted.k

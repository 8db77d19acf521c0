"""Processes that speak the pipe by hand, and not as they should. Each is named for what it does.

They stand in for the runtime's `enter` and take its arguments; what they do is chosen by the name
of the workflow's function, so that one fork server serves them all.
"""

import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any

NOW = 1_790_000_000_000_000


class Pipe:
    """The child's end, without any manners."""

    def __init__(self, run: str, secret: str, address: str) -> None:
        self.run, self.secret, self.address = run, secret, address
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address)
        self._reader = self.socket.makefile("rb")

    def say(self, raw: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(raw)

    def hello(self, **other: Any) -> None:
        """Introduce itself, or somebody else."""
        hello = {"pipe": 1, "run": self.run, "secret": self.secret, "sent": 0, "asking": []}
        self.say(json.dumps({"hello": {**hello, **other}}).encode() + b"\n")

    def hear(self) -> dict[str, Any]:
        """Read a line; the end of the stream ends this process."""
        raw = self._reader.readline()
        if not raw:
            os._exit(7)
        line: dict[str, Any] = json.loads(raw)
        return line

    def begin(self) -> None:
        """Do all that is asked for, up to the start."""
        self.hello()
        assert self.hear() == {"welcome": {"ack": 0}}
        assert "start" in self.hear()

    def until_ack(self, n: int) -> None:
        """Wait for it."""
        while self.hear().get("ack", 0) < n:
            pass


def event(n: int, type_: str = "step", **more: Any) -> bytes:
    """One line."""
    return json.dumps({"n": n, "t": NOW, "type": type_, "data": {}, **more}).encode() + b"\n"


def complete(n: int, result: Any = None) -> bytes:
    """The last line."""
    return json.dumps({"n": n, "t": NOW, "outcome": "complete", "result": result}).encode() + b"\n"


def enter(  # noqa: PLR0917 (as the runtime's own)
    run: str, secret: str, address: str, target: str, stderr: str, patience: str
) -> None:
    """Be what the target's name says."""
    if os.getpgrp() != os.getpid():  # one that was forked ahead has done it
        os.setsid()
    os.dup2(os.open(stderr, os.O_RDWR), 2)
    if target.endswith(":mute"):
        time.sleep(600)
    _WAYS[target.partition(":")[2]](Pipe(run, secret, address))
    time.sleep(600)


def _breaks_off(line: bytes) -> Callable[[Pipe], None]:
    def way(pipe: Pipe) -> None:
        pipe.begin()
        pipe.say(event(1) + line)

    return way


def drips(pipe: Pipe) -> None:
    """Everything right, a byte at a time."""
    pipe.begin()
    for byte in event(1) + event(2, agent="Ä") + complete(3, "slow"):
        pipe.say(bytes([byte]))
    pipe.until_ack(3)
    os._exit(0)


def repeats(pipe: Pipe) -> None:
    """Says what it has said already."""
    pipe.begin()
    pipe.say(event(1) + event(2) + event(1, "forged") + event(2, "forged") + event(3))
    pipe.say(complete(4))


def talks_on(pipe: Pipe) -> None:
    """Does not stop after its outcome."""
    pipe.begin()
    pipe.say(complete(1, "first") + event(2) + complete(3, "second"))
    pipe.until_ack(1)
    pipe.say(event(4))
    os._exit(0)


def stays(pipe: Pipe) -> None:
    """Has its outcome acknowledged and does not leave."""
    pipe.begin()
    pipe.say(event(1, data={"pid": os.getpid()}) + complete(2))


def hangs_up(pipe: Pipe) -> None:
    """Closes the pipe and lives on."""
    pipe.begin()
    pipe.say(event(1, data={"pid": os.getpid()}))
    pipe.socket.shutdown(socket.SHUT_RDWR)


def dies_in_a_line(pipe: Pipe) -> None:
    """Leaves half a line behind."""
    pipe.begin()
    pipe.say(event(1) + event(2)[:-5])
    os._exit(3)


def dies_when_all_is_said(pipe: Pipe) -> None:
    """Does not wait for an acknowledgement."""
    pipe.begin()
    pipe.say(b"".join(event(n) for n in range(1, 1001)) + complete(1001, "said"))
    os._exit(9)


def has_last_words(pipe: Pipe) -> None:
    """Emits some of its stderr, and dies with the rest unread."""
    pipe.begin()
    for n in range(1, 2001):
        pipe.say(event(n, "log", data={"stream": "stderr", "text": f"line {n}"}))
    pipe.say(event(2001, "log", data={"stream": "stdout", "text": "elsewhere"}))
    os.write(2, b"and then it was dark")
    os._exit(4)


def knows_no_secret(pipe: Pipe) -> None:
    """Guesses."""
    pipe.hello(secret="guess")
    _leave_if_refused(pipe)


def is_another(pipe: Pipe) -> None:
    """Claims to be a run that does not exist."""
    pipe.hello(run="r_other")
    _leave_if_refused(pipe)


def comes_from_tomorrow(pipe: Pipe) -> None:
    """Speaks a pipe that nobody knows."""
    pipe.hello(pipe=2)
    _leave_if_refused(pipe)


def talks_first(pipe: Pipe) -> None:
    """Sends no hello."""
    pipe.say(event(1) + complete(2))
    _leave_if_refused(pipe)


def sends_a_friend(pipe: Pipe) -> None:
    """Lets a process of its own say hello in its place."""
    if os.fork() == 0:
        friend = Pipe(pipe.run, pipe.secret, pipe.address)
        friend.hello()
        os._exit(21 if friend.hear() == {"end": True} else 22)
    _, status = os.wait()
    os._exit(os.waitstatus_to_exitcode(status))


def comes_twice(pipe: Pipe) -> None:
    """Opens a second connection while the first is good, in the middle of a line."""
    pipe.begin()
    pipe.say(event(1) + event(2)[:-5])
    pipe.until_ack(1)
    second = Pipe(pipe.run, pipe.secret, pipe.address)
    second.hello(sent=2)
    heard = [second.hear(), second.hear()]
    second.say(event(2) + complete(3, heard))
    pipe.socket.close()
    second.until_ack(3)
    os._exit(0)


def comes_again_and_again(pipe: Pipe) -> None:
    """Breaks its connection after each event, and does not wait for what was said of it."""
    pipe.begin()
    for n in range(1, 21):
        pipe.say(event(n))
        pipe.socket.close()
        pipe = Pipe(pipe.run, pipe.secret, pipe.address)
        pipe.hello(sent=n)
        ack = pipe.hear()["welcome"]["ack"]
        pipe.hear()
        pipe.say(b"".join(event(again) for again in range(ack + 1, n + 1)))
    pipe.say(complete(21, "at last"))
    pipe.until_ack(21)
    os._exit(0)


def comes_in_vain(pipe: Pipe) -> None:
    """Comes anew whenever it can, and never ends."""
    pipe.begin()
    pipe.say(event(1, data={"pid": os.getpid()}))
    while True:
        pipe = Pipe(pipe.run, pipe.secret, pipe.address)
        pipe.hello(sent=1)
        pipe.hear()
        time.sleep(0.02)


def starts_early(pipe: Pipe) -> None:
    """Does not wait for its start."""
    pipe.hello()
    pipe.say(event(1) + complete(2, "early"))


def _leave_if_refused(pipe: Pipe) -> None:
    os._exit(21 if pipe.hear() == {"end": True} else 22)


_BREACHES = {
    "a_gap": event(3),
    "from_zero": event(0),
    "garbage": b"\x00\xffgarbage\n",
    "an_empty_line": b"\n",
    "a_raw_cr": event(2)[:-1] + b"\r\n",
    "cr_inside": b'{"n":2,"t":1,"type":"step","data":{"a":\r1}}\n',
    "not_utf8": b'{"n":2,"t":1,"type":"step","data":{"a":"\xff"}}\n',
    "a_long_line": b'{"n":2,"t":1,"type":"step","data":{"a":"' + b"x" * (2 << 20) + b'"}}\n',
    "an_endless_line": b"x" * (2 << 20),
    "deep_nesting": b'{"n":2,"t":1,"type":"step","data":{"a":%b}}\n' % (b"[" * 127 + b"]" * 127),
    "abyss": b'{"n":2,"t":1,"type":"step","data":%b\n' % (b'{"a":' * 100_000),
    "a_terminal_event": event(2, "complete"),
    "a_start_event": event(2, "run_start"),
    "a_bad_type": event(2, "Step!"),
    "data_that_is_a_list": event(2, data=[1]),
    "a_time_beyond_all": event(2, t=1 << 80),
    "an_outcome_of_its_own": b'{"n":2,"t":1,"outcome":"winning"}\n',
    "a_foreign_code": b'{"n":2,"t":1,"outcome":"error","error":{"code":"run_lost","message":""}}\n',
    "a_false_log": event(2, "log", data={"stream": "stdlog", "text": ""}),
    "a_false_question": event(2, "input_request", data={"request": "a b", "prompt": ""}),
    "a_false_schema": event(
        2, "input_request", data={"request": "a", "prompt": "", "schema": {"type": "number?"}}
    ),
}
BREACHES = list(_BREACHES)

_WAYS: dict[str, Callable[[Pipe], None]] = {
    **{name: _breaks_off(line) for name, line in _BREACHES.items()},
    **{
        way.__name__: way
        for way in (
            *(drips, repeats, talks_on, stays, hangs_up, dies_in_a_line, dies_when_all_is_said),
            has_last_words,
            *(knows_no_secret, is_another, comes_from_tomorrow, talks_first, sends_a_friend),
            *(comes_twice, comes_again_and_again, comes_in_vain, starts_early),
        )
    },
}
WAYS = [*_WAYS, "mute"]

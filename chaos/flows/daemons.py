"""Runs that leave processes behind, in the ways in which that is done."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from chaos.flows.journaling import Noted
from workflows import Context, workflow

_HOPS = """
import os, time
while True:
    time.sleep(0.02)
    if os.fork():
        os._exit(0)
    os.setsid()
"""


def _started(mark: str, **options: Any) -> None:
    subprocess.Popen(["sleep", mark], **options)


def _ignore() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)


def _forked_twice(mark: str, times: int = 2) -> None:
    if os.fork():
        return
    for _ in range(times):
        os.setsid()
        if os.fork():
            os._exit(0)
    os.closerange(0, 256)
    os.execv("/bin/sleep", ["sleep", mark])


def _hopping(mark: str) -> None:
    """Be another process, in a session of its own, every 20 ms."""
    subprocess.Popen([sys.executable, "-c", _HOPS, mark], start_new_session=True)


#: ``mark`` is a number of seconds that no other process sleeps: it names what belongs to a run.
WAYS: dict[str, Callable[[str], None]] = {
    "child": _started,
    "group": lambda mark: _started(mark, process_group=0),
    "session": lambda mark: _started(mark, start_new_session=True),
    "deaf": lambda mark: _started(mark, start_new_session=True, preexec_fn=_ignore),
    "naked": lambda mark: _started(mark, start_new_session=True, env={}, cwd="/"),
    "forked_twice": _forked_twice,
    "forked_often": lambda mark: _forked_twice(mark, 5),
    "hops": _hopping,
}


@workflow
def leaves_behind(ctx: Context, journal: str, mark: str, ways: list[str], ending: str) -> str:
    """Starts them, and ends as it is told."""
    noted = Noted(ctx, journal)
    for way in ways:
        WAYS[way](mark)
    noted.emit()
    while ending == "waits" and not ctx.cancelled:
        time.sleep(0.01)
    while ending == "ignores":
        with contextlib.suppress(BaseException):
            time.sleep(600)
    if ending == "raises":
        raise RuntimeError("left something behind")
    if ending == "exits":
        os._exit(0)
    if ending == "is_killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return ending

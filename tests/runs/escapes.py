"""Workflows that try to leave something behind, or to take more than is theirs. All are bounded.

Every process that is to be found gone later leaves a file of the name of its pid, first of all.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from workflows import Context, workflow

NOTE = """
import os, signal, sys, time
EXIT = {"x86_64": 60}.get(os.uname().machine, 93)  # of a thread
def note(): open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
def leave_group():
    if os.fork(): os._exit(0)
    os.setsid()
"""
PROGRAMS = {
    "DAEMON": "os.setsid(); os.closerange(0, 256); note(); time.sleep(600)",
    "DOUBLE_FORK": """
leave_group()
if os.fork(): os._exit(0)
os.closerange(0, 256); note(); time.sleep(600)""",
    "IGNORES_ALL_SIGNALS": """
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try: signal.signal(number, signal.SIG_IGN)
    except OSError: pass
leave_group(); note(); time.sleep(600)""",
    "STOPPED_CHILD": "leave_group(); note(); os.kill(os.getpid(), signal.SIGSTOP)",
    # Without its environment, and so without the mark there.
    "CLEAN_DAEMON": """
leave_group(); note()
os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)"], {})""",
    # Each lives for a moment and has forked the next by then: nobody's pid is old.
    "RUNS_AWAY": """
leave_group()
for _ in range(2000):
    note(); time.sleep(0.005)
    if os.fork(): os._exit(0)
time.sleep(600)""",
    # As quick as can be: whoever is looked for has gone.
    "FLEES": """
leave_group(); note()
for _ in range(3000):
    if os.fork(): os._exit(0)
time.sleep(600)""",
    "FIRST_THREAD_ENDS": """
import ctypes, threading
leave_group(); threading.Thread(target=time.sleep, args=[600]).start(); note()
ctypes.CDLL(None).syscall(EXIT, 0)""",
    "FAMILY": """
leave_group()
for _ in range(6): os.fork()
note(); time.sleep(600)""",
}
MOST_PROCESSES = 150  # should a limit fail
MOST_MEMORY = 512 << 20


@workflow
def leaves(ctx: Context, program: str, where: str, then: str = "return") -> None:
    """Starts one of the programs, and ends in one of many ways or not at all."""
    if program == "FORK_NO_EXEC":
        _fork_no_exec(where)
    else:
        command = [sys.executable, "-c", NOTE + PROGRAMS[program], where]
        child = subprocess.Popen(command, start_new_session=program != "DAEMON")
        child.returncode = 0  # nobody waits for it, and nobody should complain
    while not any(Path(where).iterdir()):
        time.sleep(0.005)
    ctx.emit("started", {"pid": os.getpid()})
    if then == "wait":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(600)
    if then == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if then == "exit":
        os._exit(0)


def _fork_no_exec(where: str) -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            Path(where, str(os.getpid())).touch()
            os.closerange(0, 256)
            time.sleep(600)
        os._exit(0)


@workflow
def counts_its_children(ctx: Context) -> list[int]:
    """Waits for children of its own while orphans of theirs die beside them."""
    subprocess.run(["sh", "-c", "(sleep 0.05 &) ; (sleep 0.1 &)"], check=True)
    ends = [f"sleep 0.05; exit {code}" for code in range(5)]
    return [subprocess.run(["sh", "-c", end], check=False).returncode for end in ends]


@workflow
def bombs(ctx: Context, where: str, most: int = MOST_PROCESSES) -> None:
    """Forks until it may not, and goes on trying."""
    ctx.emit("started", {"pid": os.getpid()})
    for _ in range(most):
        with contextlib.suppress(OSError):
            if os.fork() == 0:
                Path(where, str(os.getpid())).touch()
                time.sleep(600)
        time.sleep(0.002)
    time.sleep(600)


@workflow
def starts_threads(ctx: Context, count: int, linger: float = 0.0) -> int:
    """Starts that many threads; raises where it may not."""
    done = threading.Event()
    for _ in range(count):
        threading.Thread(target=done.wait, daemon=True).start()
    time.sleep(linger)
    return count


@workflow
def hogs(ctx: Context, where: str, elsewhere: bool = False) -> None:
    """Takes memory step by step, itself or in a child that it does not wait for."""
    ctx.emit("started", {"pid": os.getpid()})
    if elsewhere and os.fork():
        time.sleep(600)
    Path(where, str(os.getpid())).touch()
    taken = []
    for _ in range(MOST_MEMORY >> 23):
        taken.append(b"x" * (8 << 20))
        time.sleep(0.005)
    time.sleep(600)


@workflow
def gulps(ctx: Context) -> int:
    """Asks for far too much at once."""
    return len(bytearray(1 << 36))


@workflow
def takes(ctx: Context, amount: int, linger: float = 0.0) -> int:
    """Takes an amount of memory for a while."""
    taken = b"x" * amount
    time.sleep(linger)
    return len(taken)

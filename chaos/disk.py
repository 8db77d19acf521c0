"""Disks that fail: a small one that can be filled, and errors that the kernel is made to give."""

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PIECE = 1 << 16
ATTACHED_SECONDS = 10.0


def mounts_lacking() -> str:
    """Why nothing can be mounted on this machine, or nothing."""
    if os.geteuid() != 0:
        return "to mount a tmpfs needs root"
    tried = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    made = subprocess.run(tried, capture_output=True, check=False)
    return "" if made.returncode == 0 else "mounting is not allowed"


def strace_lacking() -> str:
    """Why no error can be injected on this machine, or nothing."""
    if shutil.which("strace") is None:
        return "strace is missing"
    return "" if os.geteuid() == 0 else "to trace the server needs root"


@contextmanager
def small(at: Path, size: int) -> Iterator[Path]:
    """A disk of ``size`` bytes mounted at ``at``, which is made."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(at)]
    subprocess.run(mount, check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Take all the room there is, and give it back."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as sink:
        for size in (PIECE, 1):  # whatever is left of the last page too
            with suppress(OSError):
                while sink.write(bytes(size)):
                    pass
    try:
        yield
    finally:
        filler.unlink()


def room(disk: Path) -> int:
    """Bytes that are free."""
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


@contextmanager
def injected(pid: int, fault: str, files: Sequence[Path]) -> Iterator[None]:
    """Have a process's system calls on these files do what ``inject=`` says, see strace(1)."""
    calls = fault.partition(":")[0]
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid)]
    command += [word for file in files for word in ("-P", str(file))]
    command += ["-e", f"trace={calls}", "-e", f"inject={fault}"]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _attached(tracer, pid)
        yield
    finally:
        tracer.send_signal(signal.SIGINT)  # lets go of the process, which goes on
        _, said = tracer.communicate()
    if tracer.returncode not in (0, -signal.SIGINT, 128 + signal.SIGINT):
        raise OSError(errno.EPERM, f"strace: {said.decode()}")


def _attached(tracer: subprocess.Popen[bytes], pid: int) -> None:
    """Wait until every thread is traced."""
    deadline = time.monotonic() + ATTACHED_SECONDS
    while time.monotonic() < deadline and tracer.poll() is None:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        if all(f"TracerPid:\t{tracer.pid}\n" in (each / "status").read_text() for each in tasks):
            return
        time.sleep(0.005)

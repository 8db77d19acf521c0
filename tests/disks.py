"""Disks that are full and disks that fail: a small file system, and system calls that go wrong."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root mounts the small disk")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace injects the fault")


@contextmanager
def small_disk(at: Path, size: str = "16m") -> Iterator[Path]:
    """Mount a file system of that size at ``at``, which is made."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", at], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free on ``disk``; return the file that has them all."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            while True:
                try:
                    if file.write(bytes(size)) < size:
                        break
                except OSError:
                    break
    return filler


@contextmanager
def faulty(pid: int, *faults: str) -> Iterator[None]:
    """Have system calls of ``pid``, in each of its threads, go wrong as strace's `inject` says.

    Source: strace(1), "Tampering". The process goes on as before when the context ends.
    """
    names = ",".join(fault.partition(":")[0] for fault in faults)
    inject = [f"--inject={fault}" for fault in faults]
    command = ["strace", "-f", "-p", str(pid), f"--trace={names}", *inject, "-o", os.devnull]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        assert "attached" in said, f"strace cannot trace here: {said}"
        yield
    finally:
        tracer.terminate()
        try:
            tracer.communicate(timeout=2)
        except subprocess.TimeoutExpired:  # it may wait for a thread that is no more
            tracer.kill()
            tracer.communicate()

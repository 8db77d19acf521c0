"""Calls of the C library that Python has no name for."""

import ctypes
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)

_SPLICE_F_NONBLOCK = 2
_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Have this process killed when the one that forked it, of that pid, ends: see prctl(2)."""
    LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it has ended before
        os._exit(1)


def tee(source: int, target: int, size: int) -> int:
    """Copy at most `size` bytes from one pipe to another, and leave them in the first: tee(2).

    Returns how many they were, 0 at the first one's end. Raises OSError, BlockingIOError where
    there is nothing, or no room.
    """
    copied: int = LIBC.tee(source, target, ctypes.c_size_t(size), _SPLICE_F_NONBLOCK)
    if copied < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return copied

"""Calls of the C library that Python has no name for."""

import ctypes
import os

LIBC = ctypes.CDLL(None, use_errno=True)

_SPLICE_F_NONBLOCK = 2


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

"""A lock file: one server at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.errors import KeepstreamError


@contextmanager
def locked(path: Path, refusal: type[KeepstreamError]) -> Iterator[None]:
    """Hold ``path`` against every other server for as long as the context lasts.

    Makes the folder of ``path`` and a file beside it; raises ``refusal`` where another server has
    the lock, or the folder cannot be used. The lock is the kernel's (flock(2)) and goes with the
    process, however that ends. Its descriptor is not inherited: a child that lives on does not
    hold it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise refusal(f"{path.parent} cannot be used ({error}): check the rights") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal(
                f"{path.parent} is in use by another server: stop that one first,"
                " or give this one a DATA_DIR of its own"
            ) from None
        yield
    finally:
        os.close(lock)

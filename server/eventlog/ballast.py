"""Room that is kept for the end of runs: a file of zeros beside the store, cut shorter when needed.

It goes slice by slice and not at once, so that whoever else fills the disk does not get it. It
stays on the disk when the server ends: a store whose disk was filled meanwhile can still be opened.
"""

import os
from pathlib import Path

from server.eventlog.duress import Claim

#: What is kept at most; a small disk keeps an eighth of itself.
BALLAST_BYTES = 4 * 1024 * 1024
SLICES = 8


class Ballast:
    """The file at ``path``. Every method may wait for the disk: not for the event loop's thread."""

    def __init__(self, path: Path, most: int = BALLAST_BYTES) -> None:
        self._path = path
        self._most = most

    def take(self) -> bool:
        """Have all of it, and room beside it; False, and nothing is changed, where there is none.

        Without the room beside it the next commit would be back where it was.
        """
        whole, free = self._disk()
        missing = max(0, whole - self._held())
        if whole and free < missing + self.slice:
            return False
        return missing <= 0 or self._allocate(whole)

    def give(self, wanted: Claim) -> bool:
        """Cut a slice off for ``wanted``; False if nothing is left for it."""
        whole, _ = self._disk()
        size = self._size()
        floor = {Claim.NONE: size, Claim.SOME: whole // 2, Claim.ALL: 0}[wanted]
        if size <= floor:
            return False
        os.truncate(self._path, max(floor, size - self.slice))
        return True

    @property
    def slice(self) -> int:
        """Bytes that are cut off at once."""
        return self._disk()[0] // SLICES + 1

    def make_way(self) -> None:
        """Give a slice for opening the store if the disk has nothing left at all."""
        whole, free = self._disk()
        if free < whole // SLICES:  # never without a ballast
            self.give(Claim.ALL)

    def _disk(self) -> tuple[int, int]:
        """What the ballast is to be on this disk, and how much of the disk is free; in bytes."""
        if not self._most:
            return 0, 0
        disk = os.statvfs(self._path.parent)
        return min(self._most, disk.f_blocks * disk.f_frsize // SLICES), (
            disk.f_bavail * disk.f_frsize
        )

    def _allocate(self, size: int) -> bool:
        held = self._size()
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, size)
        except OSError:
            os.ftruncate(file, held)
            return False
        finally:
            os.close(file)
        return True

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _held(self) -> int:
        """Bytes that are really there: a copied file may be all holes."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return 0
        return min(found.st_size, found.st_blocks * 512)

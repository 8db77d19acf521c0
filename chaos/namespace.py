"""Two machines, as far as TCP can tell: network namespaces, and a link that can go down.

The caller's thread moves into the near one, with all sockets and processes that it makes from there
on; only sockets that are asked for are made in the far one. That the near end is not simply left
where everybody is has a reason: a link that comes there is a change of the machine's network, for
which every browser on it breaks off what it is loading. Needs root and iproute2.
"""

import ctypes
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h
OWN = "/proc/thread-self/ns/net"
LINK = "cable"  # the same name at both ends, each in a namespace of its own
#: os.setns is there from Python 3.12 on.
_setns = ctypes.CDLL(None, use_errno=True).setns


def lacking() -> str:
    """Why there can be none on this machine, or nothing."""
    if os.geteuid() != 0:
        return "a network namespace needs root"
    if shutil.which("ip") is None:
        return "ip is missing: install iproute2"
    tried = subprocess.run(["ip", "link", "help"], capture_output=True, check=False)
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if tried.stderr and made.returncode == 0 else "network namespaces are not allowed"


class Namespace:
    """``near`` is the address of this side of the link, for the clients inside to connect to."""

    near, _far = "10.0.0.1", "10.0.0.2"

    def __init__(self) -> None:
        word = secrets.token_hex(4)
        self._here, self._there = f"ks-{word}-near", f"ks-{word}-far"
        self._left = -1

    def __enter__(self) -> Self:
        self._left = os.open(OWN, os.O_RDONLY)
        try:
            for name in (self._here, self._there):
                _ip("netns", "add", name)
            _ip(
                *("-n", self._here, "link", "add", LINK, "type", "veth"),
                *("peer", "name", LINK, "netns", self._there),
            )
            _ip("-n", self._here, "addr", "add", f"{self.near}/30", "dev", LINK)
            _ip("-n", self._there, "addr", "add", f"{self._far}/30", "dev", LINK)
            for device in ("lo", LINK):
                _ip("-n", self._here, "link", "set", device, "up")
            self.up()
            with _opened(self._here) as here:
                _enter(here)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _enter(self._left)
        os.close(self._left)
        # The pair goes with its end there, but only when the last socket in there is closed.
        _ip("-n", self._here, "link", "del", LINK, check=False)
        for name in (self._here, self._there):
            _ip("netns", "del", name, check=False)

    def down(self) -> None:
        """Pull the cable: nothing gets through any more, and nobody is told."""
        _ip("-n", self._there, "link", "set", LINK, "down")

    def up(self) -> None:
        """Put it back."""
        _ip("-n", self._there, "link", "set", LINK, "up")

    def socket(self) -> socket.socket:
        """A TCP socket on the far side; it stays there, whichever thread uses it."""
        with _opened(self._here) as here, _opened(self._there) as there:
            _enter(there)
            try:
                return socket.socket()
            finally:
                _enter(here)


@contextmanager
def _opened(name: str) -> Iterator[int]:
    descriptor = os.open(Path("/var/run/netns") / name, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _enter(descriptor: int) -> None:
    if _setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)

"""Another machine, as far as TCP can tell: a network namespace behind a link that can go down.

Sockets that are made in it stay in it, whichever thread uses them; the process itself stays where
it is. Needs root and iproute2.
"""

import ctypes
import os
import random
import secrets
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h
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
    """``near`` is this machine's address on the link, for the clients inside to connect to."""

    def __init__(self) -> None:
        word = secrets.token_hex(4)
        self._name, self._outer, self._inner = f"ks-{word}", f"ko{word}", f"ki{word}"
        net = f"10.{random.randint(200, 250)}.{random.randint(0, 255)}"
        host = 4 * random.randint(0, 63)
        self.near, self._far = f"{net}.{host + 1}", f"{net}.{host + 2}"

    def __enter__(self) -> Self:
        _ip("netns", "add", self._name)
        try:
            _ip(
                *("link", "add", self._outer, "type", "veth"),
                *("peer", "name", self._inner, "netns", self._name),
            )
            _ip("addr", "add", f"{self.near}/30", "dev", self._outer)
            _ip("-n", self._name, "addr", "add", f"{self._far}/30", "dev", self._inner)
            _ip("link", "set", self._outer, "up")
            self.up()
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
        # The pair goes with its end inside, but only when the last socket in there is closed.
        _ip("link", "del", self._outer, check=False)
        _ip("netns", "del", self._name)

    def down(self) -> None:
        """Pull the cable: nothing gets through any more, and nobody is told."""
        _ip("-n", self._name, "link", "set", self._inner, "down")

    def up(self) -> None:
        """Put it back."""
        _ip("-n", self._name, "link", "set", self._inner, "up")

    def socket(self) -> socket.socket:
        """A TCP socket inside."""
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(Path("/var/run/netns") / self._name, os.O_RDONLY)
        try:
            _enter(there)
            try:
                return socket.socket()
            finally:
                _enter(here)
        finally:
            os.close(here)
            os.close(there)


def _enter(descriptor: int) -> None:
    if _setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)

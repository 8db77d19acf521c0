"""Other servers, each on the server's core, given the same events and read by the same readers.

Every module here is one of them. Those written for the benchmark print a line of JSON when they are
ready: the ``port`` of their readers, and the ``address`` of a Unix socket, where each connection
names its session by a first line and then sends events, a line each.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.events import event_lines
from bench.feeder import Render
from bench.machine import SERVER_CORE, pinned
from bench.readers import Address, subscribe, upgrade

HOME = Path(__file__).parent
INSTALLED = HOME.parent / ".peers"
NODE = INSTALLED / "node" / "node_modules"
PYTHON = INSTALLED / "python" / "bin" / "python"


@dataclass
class Peer:
    """A running one."""

    pids: Sequence[int]
    reader: Callable[[int], socket.socket]  # of a session
    publisher: Callable[[int], socket.socket]  # into a session
    render: Render  # what is to be sent to a publisher


@dataclass(frozen=True)
class Kind:
    """One that may be started. ``lacking`` says what is not installed, or nothing."""

    label: str
    start: Callable[[int], AbstractContextManager[Peer]]  # for so many sessions
    lacking: str = ""


@contextmanager
def program(
    command: Sequence[str],
    path: str,
    connect: Callable[[Address, str], socket.socket] = upgrade,
) -> Iterator[Peer]:
    """A program of ours; ``path`` is a reader's, before the number of its session."""
    environment = os.environ | {"NODE_PATH": str(NODE)}
    process = subprocess.Popen(
        pinned(command, SERVER_CORE),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    try:
        said: dict[str, Any] = json.loads(process.stdout.readline())
        address = ("127.0.0.1", int(said["port"]))
        yield Peer(
            [process.pid, *said.get("pids", [])],
            lambda session: connect(address, f"{path}{session}"),
            lambda session: _publisher(said["address"], session),
            event_lines,
        )
    finally:
        process.terminate()
        process.communicate()


def _publisher(address: str, session: int) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    connection.sendall(b"%d\n" % session)
    return connection


def python(module: str) -> list[str]:
    """A module of this folder, with the benchmark's own Python."""
    return [sys.executable, "-m", f"bench.peers.{module}"]


def foreign_python(script: str) -> list[str]:
    """A script of this folder, with the peers' own Python."""
    return [str(PYTHON), str(HOME / script)]


def node(script: str) -> list[str]:
    """A script of this folder."""
    return ["node", str(HOME / script)]


def lacking_node(package: str) -> str:
    """What an npm package lacks here."""
    if not shutil.which("node"):
        return "node is not installed"
    return "" if (NODE / package).is_dir() else f"npm's {package} is not installed"


def version_of(package: str) -> str:
    """The installed version of an npm package."""
    about = NODE / package / "package.json"
    return str(json.loads(about.read_text())["version"]) if about.is_file() else "?"


def sse(command: Sequence[str]) -> Callable[[int], AbstractContextManager[Peer]]:
    """A program whose readers are event streams."""
    return lambda _sessions: program(command, "/sse/", subscribe)


def ws(command: Sequence[str]) -> Callable[[int], AbstractContextManager[Peer]]:
    """A program whose readers are plain WebSockets."""
    return lambda _sessions: program(command, "/ws/")

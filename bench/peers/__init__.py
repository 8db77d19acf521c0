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
from typing import IO, Any, NamedTuple

from bench.events import event_lines
from bench.feeder import Render
from bench.machine import SERVER_CORE, pinned
from bench.readers import Address, subscribe, upgrade

HOME = Path(__file__).parent
ROOT = HOME.parent.parent
INSTALLED = ROOT / ".peers"
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


class Program(NamedTuple):
    """A running program of ours, and what it said when it was ready."""

    pids: Sequence[int]
    address: Address
    door: str  # the Unix socket for publishers, if it has one


@contextmanager
def running(command: Sequence[str]) -> Iterator[Program]:
    """Run it on the server's core, until its stdin ends."""
    process = subprocess.Popen(
        pinned(command, SERVER_CORE),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"NODE_PATH": str(NODE)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said: dict[str, Any] = json.loads(_ready(process.stdout))
        address = ("127.0.0.1", int(said["port"]))
        yield Program([process.pid, *said.get("pids", [])], address, said.get("address", ""))
    finally:
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(output: IO[bytes]) -> bytes:
    """The line that says so, behind what a server has to say by itself."""
    for line in output:
        if line.startswith(b"{"):
            return line
    raise SystemExit("a peer ended before it was ready")


@contextmanager
def program(
    command: Sequence[str],
    path: str,
    connect: Callable[[Address, str], socket.socket] = upgrade,
) -> Iterator[Peer]:
    """A program that is fed by lines; ``path`` is a reader's, before its session's number."""
    with running(command) as started:
        yield Peer(
            started.pids,
            lambda session: connect(started.address, f"{path}{session}"),
            lambda session: publisher(started.door, session),
            event_lines,
        )


def publisher(address: str, session: int) -> socket.socket:
    """A connection that sends lines into a session."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    connection.sendall(b"%d\n" % session)
    return connection


def python(module: str) -> list[str]:
    """A module of this folder, with the benchmark's own Python."""
    return [sys.executable, "-m", f"bench.peers.{module}"]


def foreign_python(module: str, *arguments: str) -> list[str]:
    """A module of this folder, with the peers' own Python.

    This project comes last in its path: a peer's package has the name of our SDK.
    """
    code = f"import runpy, sys; sys.path.append({str(ROOT)!r});"
    code += f"runpy.run_module('bench.peers.{module}', run_name='__main__')"
    return [str(PYTHON), "-P", "-c", code, *arguments]


def lacking_python(package: str) -> str:
    """What a Python package lacks among those of the peers."""
    found = [*INSTALLED.glob(f"python/lib/*/site-packages/{package}")]
    return "" if found else f"{package} is not installed"


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

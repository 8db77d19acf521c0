"""The server's side of the pipe, played by the test."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import multiprocess
import multiprocess.forkserver
import pytest

LIMIT = 30.0
"""Seconds that anything here may take; far more than it does."""

os.environ.pop("PYTHONUNBUFFERED", None)  # children would need no flushing, and prove nothing of it
_CONTEXT = multiprocess.get_context("forkserver")
_PRELOAD = ["workflows.runtime.main", "tests.workflows.children", "tests.workflows.chatty"]


class Run:
    """A child, and the server's end of its pipe."""

    def __init__(self, process: Any, stderr: int) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._stderr = stderr

    def connect(self, pipe: socket.socket) -> None:
        """Listen here from now on."""
        self._pipe = pipe
        self._reader = pipe.makefile("rb")

    def say(self, **word: Any) -> None:
        """Send a line."""
        self._pipe.sendall(msgspec.json.encode(word) + b"\n")

    def say_in_bytes(self, raw: bytes) -> None:
        """Send bytes one at a time."""
        for byte in raw:
            self._pipe.sendall(bytes([byte]))

    def hear(self) -> dict[str, Any] | None:
        """Return the next line, None at the end."""
        raw = self._reader.readline()
        if not raw:
            return None
        line: dict[str, Any] = msgspec.json.decode(raw)
        if "n" in line:
            self.lines.append(line)
            assert line["n"] == len(self.lines)
        return line

    def hear_type(self, kind: str) -> dict[str, Any]:
        """Return the next event of this type."""
        while (line := self.hear()) is not None:
            if line.get("type") == kind:
                return line
        raise AssertionError(f"the child ended without {kind}")

    def outcome(self) -> dict[str, Any]:
        """Read up to the outcome, acknowledge everything, and see the child exit with 0."""
        while (line := self.hear()) is not None:
            if len(self.lines) % 50 == 0:
                self.say(ack=len(self.lines))
            if "outcome" in line:
                self.say(ack=line["n"])
                assert self.hear() is None
                assert self.exit_code() == 0
                return line
        raise AssertionError(f"the child ended without an outcome: {self.last_words()}")

    def died(self) -> int:
        """Read to the end of a child that gives no outcome; return its exit code."""
        while (line := self.hear()) is not None:
            assert "outcome" not in line
        return self.exit_code()

    def exit_code(self) -> int:
        """Wait for the end."""
        self.process.join(LIMIT)
        code: int = self.process.exitcode
        return code

    def last_words(self) -> str:
        """What is left in stderr."""
        try:
            return os.read(self._stderr, 1 << 16).decode()
        except BlockingIOError:
            return ""

    def hang_up(self) -> None:
        """Break the connection."""
        self._reader.close()
        self._pipe.close()

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """The events heard, without the captured output."""
        return [
            (line["type"], line["data"])
            for line in self.lines
            if "type" in line and line["type"] != "log"
        ]

    def printed(self, stream: str = "stdout") -> list[str]:
        """What the child wrote, line by line."""
        logs = [line["data"] for line in self.lines if line.get("type") == "log"]
        return [log["text"] for log in logs if log["stream"] == stream]


class Start(Protocol):
    """Starts a child."""

    def __call__(self, child: str, /, **given: Any) -> Run:
        """Start a workflow of `children` with this input."""


class Playhouse:
    """A folder with the server's socket, and the children that were started from it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pipe"))
        self.address = str(self.folder / "runs.sock")
        self._listener = socket.create_server(self.address, family=socket.AF_UNIX)
        self._listener.settimeout(LIMIT)
        self._runs: list[Run] = []

    def begin(self, child: str, patience: str = "30") -> tuple[Run, dict[str, Any]]:
        """Start a child up to its hello, which is returned too."""
        fifo = self.folder / f"stderr{len(self._runs)}"
        os.mkfifo(fifo)
        stderr = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        target = child if ":" in child else f"tests.workflows.children:{child}"
        process = _launch("r_1", "s3cret", self.address, target, str(fifo), patience)
        run = Run(process, stderr)
        self._runs.append(run)
        return run, self.admit(run)

    def admit(self, run: Run) -> dict[str, Any]:
        """Wait for a child to connect, for the first time or again; return its hello."""
        try:
            pipe, _ = self._listener.accept()
        except TimeoutError:
            raise AssertionError(run.last_words()) from None
        pipe.settimeout(LIMIT)
        run.connect(pipe)
        hello = run.hear()
        assert hello is not None
        said: dict[str, Any] = hello["hello"]
        return said

    def leave(self) -> None:
        """Be a server that was killed: nobody listens at the address."""
        self._listener.close()

    def come_back(self) -> None:
        """Be the next server."""
        Path(self.address).unlink()
        self._listener = socket.create_server(self.address, family=socket.AF_UNIX)
        self._listener.settimeout(LIMIT)

    def start(self, child: str, /, **given: Any) -> Run:
        """Start a workflow of `children` with this input."""
        run, _ = self.begin(child)
        run.say(welcome={"ack": 0})
        run.say(start={"workflow": child, "input": given})
        return run

    def close(self) -> None:
        """End the children that are left."""
        for run in self._runs:
            run.hang_up()
            os.close(run._stderr)
            if run.process.exitcode is None:
                run.process.kill()
            run.process.join(LIMIT)
            run.process.close()
        self._listener.close()
        shutil.rmtree(self.folder)


def _launch(*args: str) -> Any:
    from workflows.runtime.main import enter

    # As a daemon it would not be allowed what a run must be: processes of its own.
    process = _CONTEXT.Process(target=enter, args=args, daemon=True)
    process.start()
    return process


@pytest.fixture(scope="package")
def fork_server() -> Iterator[None]:
    """The process's only one: other tests want one of their own, with other imports."""
    _CONTEXT.set_forkserver_preload(_PRELOAD)
    multiprocess.forkserver.ensure_running()
    yield
    os.kill(multiprocess.forkserver._forkserver._forkserver_pid, signal.SIGKILL)
    multiprocess.forkserver._forkserver._stop()


@pytest.fixture
def playhouse(fork_server: None) -> Iterator[Playhouse]:
    """A server's socket and a fork server."""
    house = Playhouse()
    yield house
    house.close()


@pytest.fixture
def start(playhouse: Playhouse) -> Start:
    """Start a child and let it run."""
    return playhouse.start

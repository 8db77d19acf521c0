"""One `python -m server`: its settings, its log, and everything that it starts."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from chaos.proc import alive, born, children, command, every, marked, parent
from tests.system.patience import PATIENCE, until

ROOT = Path(__file__).parents[2]
FLOWS = "tests.system.flows"


def server_environment(data_dir: Path, settings: Mapping[str, object]) -> dict[str, str]:
    """Return the whole environment of a test's server: of the caller's own only PATH.

    A setting that is None is left to the server's own default.
    """
    defaults: dict[str, object] = {
        "PATH": os.environ["PATH"],
        "HOME": str(data_dir.parent),
        "PORT": 0,
        "DATA_DIR": data_dir,
        "WORKFLOWS": FLOWS,
        "LOG_FORMAT": "json",
        "STOP_RUNS": "cancel",  # or each test would leave runs behind
    }
    given = {**defaults, **settings}
    return {name: str(value) for name, value in given.items() if value is not None}


def refused(data_dir: Path, **settings: object) -> tuple[int, str]:
    """Start a server that must not come up; return its exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "server"],
        cwd=ROOT,
        env=server_environment(data_dir, settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


class Server:
    """A running server. Its log goes to a file, so that a leaked child can't hold a reader up.

    `under` is a command that runs the command that follows it.
    """

    def __init__(
        self, data_dir: Path, settings: Mapping[str, object], under: Sequence[str] = ()
    ) -> None:
        self.data_dir = data_dir
        self.token = secrets.token_hex(16)
        self.stray_lines: list[str] = []
        self._lines: list[dict[str, Any]] = []
        self._descendants: set[tuple[int, str]] = set()
        environment = server_environment(data_dir, settings)
        environment["KEEPSTREAM_TEST_TOKEN"] = self.token
        path = data_dir.parent / f"{data_dir.name}-{self.token[:8]}.log"
        with path.open("ab") as sink:
            self._process = subprocess.Popen(
                [*under, sys.executable, "-m", "server"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        self._log = path.open("rb")
        self.pid = self._process.pid
        try:
            self.url = str(self.wait_for_log("Server listening")["url"]).rstrip("/")
        except BaseException:
            self.kill()
            self.close()
            raise
        self.port = int(self.url.rpartition(":")[2])

    def log_lines(self) -> list[dict[str, Any]]:
        """Return every JSON line logged so far; lines that aren't JSON go to `stray_lines`."""
        while (line := self._log.readline()).endswith(b"\n"):
            try:
                self._lines.append(json.loads(line))
            except ValueError:
                self.stray_lines.append(line.decode(errors="replace"))
        self._log.seek(-len(line), os.SEEK_CUR)
        return self._lines

    def logged(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """Return the log lines of that event with those fields."""
        wanted = {"event": event, **fields}.items()
        return [line for line in self.log_lines() if wanted <= _hashable(line).items()]

    def wait_for_log(self, event: str, **fields: object) -> dict[str, Any]:
        """Return the first log line of that event with those fields, waiting for it."""

        def found() -> list[dict[str, Any]]:
            lines = self.logged(event, **fields)
            assert lines or self.running, f"the server ended: {self._said()}"
            return lines

        return until(found, f"{event!r} {fields} in the server's log")[0]

    @property
    def running(self) -> bool:
        """Whether the server's own process is there."""
        return self._process.poll() is None

    def terminate(self) -> None:
        """Send SIGTERM to the server alone."""
        self._remember_descendants()
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL to the server alone."""
        self._remember_descendants()
        self._process.kill()

    def wait(self, patience: float = PATIENCE) -> int:
        """Return the exit code (negative: the signal), waiting for it."""
        return self._process.wait(patience)

    def close(self) -> list[str]:
        """Stop what still runs and return the leaked processes, as `pid command`."""
        if self.running:
            self.kill()
        self.wait()
        leaked = self._leaked_after_grace()
        for pid in leaked:
            os.kill(pid, signal.SIGKILL)
        self.log_lines()
        self._log.close()
        return [f"{pid} {command}" for pid, command in leaked.items()]

    def _remember_descendants(self) -> None:
        self._descendants |= {(pid, born(pid)) for pid in descendants(self.pid)}

    def _leaked_after_grace(self) -> dict[int, str]:
        """Return what outlives the server by more than the fork server needs to notice its end."""
        deadline = time.monotonic() + PATIENCE / 3
        while (leaked := self._left_behind()) and time.monotonic() < deadline:
            time.sleep(0.01)
        return leaked

    def _left_behind(self) -> dict[int, str]:
        known = {pid for pid, at in self._descendants if alive(pid) and born(pid) == at}
        return {pid: command(pid) for pid in known | marked(self.token)}

    def _said(self) -> str:
        return "".join(self.stray_lines) + "\n".join(map(str, self._lines))


class StartServer(Protocol):
    """Starts a server; the `data_dir` of an earlier one makes it a restart."""

    def __call__(self, data_dir: Path | None = None, **settings: object) -> Server:
        """Return the server, ready."""


def descendants(pid: int) -> set[int]:
    """Return the children of `pid`, their children, and so on; zombies aside."""
    parents = {each: parent(each) for each in every()}
    found, unseen = set[int](), {pid}
    while unseen := {child for child, parent in parents.items() if parent in unseen} - found:
        found |= unseen
    return {each for each in found if alive(each)}


def forked(pid: int) -> int:
    """How many processes the fork server of `pid` has: its runs', and the one that stands by."""
    servers = [each for each in children(pid) if "forkserver" in command(each)]
    return sum(len(children(each)) for each in servers)


def descriptors(pid: int) -> list[str]:
    """Return what the open descriptors of `pid` point to, sorted."""
    links = Path(f"/proc/{pid}/fd").iterdir()
    return sorted(filter(None, map(_target, links)))


def _target(link: Path) -> str | None:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return None


def _hashable(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if value.__hash__ is not None}

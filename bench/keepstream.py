"""A Keepstream server under load: on a core of its own, its runs' pipes in our hands."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.machine import CORES, SERVER_CORE, pinned
from bench.readers import subscribe, upgrade


class Served:
    """A running server."""

    def __init__(self, url: str, pid: int, seconds: float):
        self.url = url
        self.pid = pid
        self.start_seconds = seconds  # until it listened
        host, port = url.removeprefix("http://").split(":")
        self.address = (host, int(port))
        self._connection = http.client.HTTPConnection(*self.address)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON, get JSON."""
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", path, json.dumps(body), headers)
        return self._answer()

    def get(self, path: str) -> dict[str, Any]:
        """GET JSON."""
        self._connection.request("GET", path)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        with self._connection.getresponse() as answer:
            body = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"the server answered {answer.status}: {body[:500]!r}")
        return json.loads(body)  # type: ignore[no-any-return]

    def websocket(self, session: str, query: str = "") -> socket.socket:
        """A reader of ``session``."""
        return upgrade(self.address, f"/api/sessions/{session}/ws{query}")

    def event_stream(self, session: str, query: str = "") -> socket.socket:
        """The same over SSE."""
        return subscribe(self.address, f"/api/sessions/{session}/sse{query}")


@contextmanager
def server(
    data: Path | None = None, cores: Sequence[int] = (SERVER_CORE,), **settings: str
) -> Iterator[Served]:
    """A server with its defaults (SQLite, synchronous=FULL) on the server's core."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        environment = os.environ | {
            "PORT": "0",
            "DATA_DIR": str(data or folder),
            "WORKFLOWS": "bench.flows",
            "LOG_FORMAT": "json",
            "MAX_RUNS": "2000",
            "HEARTBEAT_SECONDS": "600",
            "STOP_RUNS": "cancel",  # those that lend their pipe stand still: they are killed
            "CANCEL_GRACE_SECONDS": "0.1",
        }
        log = Path(folder) / "log"
        began = time.monotonic()
        with log.open("w") as out:
            process = subprocess.Popen(
                pinned([sys.executable, "-m", "server"], *cores),
                env=environment | settings,
                stdout=out,
            )
        try:
            url = _listening(log, process)
            served = Served(url, process.pid, time.monotonic() - began)
            served.get("/api/workflows")  # by then the workflows are imported
            yield served
        finally:
            process.terminate()
            process.wait()


def all_cores() -> Sequence[int]:
    """For rows in which the runs' processes are what is measured."""
    return CORES


def _listening(log: Path, process: subprocess.Popen[bytes]) -> str:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if '"Server listening"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.01)
    raise SystemExit("the server did not start")


@contextmanager
def pipes(served: Served, count: int) -> Iterator[dict[str, socket.socket]]:
    """Start ``count`` runs, each in a session of its own; session → the run's end of its pipe."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lend"))
        address = str(Path(folder) / "s")
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(address)
        listener.listen(1024)
        sessions: dict[str, str] = {}
        lent: dict[str, socket.socket] = {}
        for _ in range(count):
            body = {"workflow": "lend", "input": {"address": address}}
            run = served.post("/api/runs", body)
            sessions[run["id"]] = run["session"]
        for _ in range(count):
            lender, _ = listener.accept()
            with lender:
                said, descriptors, _, _ = socket.recv_fds(lender, 64, 1)
            lent[sessions[said.decode()]] = stack.enter_context(
                socket.socket(fileno=descriptors[0])
            )
        yield lent

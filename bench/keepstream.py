"""A Keepstream server under load: started on a core of its own, its runs' pipes in our hands."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.machine import SERVER_CORE, pinned


class Served:
    """A running server."""

    def __init__(self, url: str, pid: int):
        self.url = url
        self.pid = pid
        host, port = url.removeprefix("http://").split(":")
        self.address = (host, int(port))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST JSON, get JSON."""
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)  # type: ignore[no-any-return]


@contextmanager
def server(**settings: str) -> Iterator[Served]:
    """A server with its defaults (SQLite, synchronous=FULL) on the server's core."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        environment = os.environ | {
            "PORT": "0",
            "DATA_DIR": folder,
            "WORKFLOWS": "bench.flows",
            "LOG_FORMAT": "json",
            "MAX_RUNS": "2000",
            "STOP_RUNS": "cancel",  # those that lend their pipe stand still: they are killed
            "CANCEL_GRACE_SECONDS": "0.1",
        }
        log = Path(folder) / "log"
        with log.open("w") as out:
            process = subprocess.Popen(
                pinned([sys.executable, "-m", "server"], SERVER_CORE),
                env=environment | settings,
                stdout=out,
            )
        try:
            url = _listening(log, process)
            with urllib.request.urlopen(url + "/api/workflows") as answer:
                answer.read()  # by then the workflows are imported
            yield Served(url, process.pid)
        finally:
            process.terminate()
            process.wait()


def _listening(log: Path, process: subprocess.Popen[bytes]) -> str:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if '"Server listening"' in line:
                return str(json.loads(line)["url"])
        time.sleep(0.05)
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
            pipe = stack.enter_context(socket.socket(fileno=descriptors[0]))
            pipe.setblocking(False)
            lent[sessions[said.decode()]] = pipe
        yield lent

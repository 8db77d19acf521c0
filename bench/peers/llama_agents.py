"""llama-agents-server: a run of its workflow a session, inside the server's process."""

import http.client
import json
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.events import event_lines
from bench.peers import Peer, Program, foreign_python, publisher, running
from bench.readers import Address, subscribe


@contextmanager
def llama_agents(sessions: int, *, stored: bool) -> Iterator[Peer]:
    """A running one, in which a run carries for each session."""
    with llama_server(stored=stored) as started:
        address = started.address
        runs = [begin(address, {"session": n}) for n in range(sessions)]
        yield Peer(
            started.pids,
            lambda session: events_of(address, runs[session]),
            lambda session: publisher(started.door, session),
            event_lines,
        )


@contextmanager
def llama_server(*, stored: bool) -> Iterator[Program]:
    """A running one, with its SQLite store or with its store in memory."""
    with tempfile.TemporaryDirectory(prefix="peer") as folder:
        store = [str(Path(folder) / "db")] if stored else []
        with running(foreign_python("llama", *store)) as started:
            yield started


def begin(address: Address, start_event: dict[str, Any]) -> str:
    """Start a run; its id."""
    connection = http.client.HTTPConnection(*address)
    body = json.dumps({"start_event": start_event})
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/workflows/carry/run-nowait", body, headers)
    with connection.getresponse() as answer:
        return str(json.load(answer)["handler_id"])


def events_of(address: Address, run: str) -> socket.socket:
    """A reader of all events of a run."""
    return subscribe(address, f"/events/{run}?after_sequence=-1")

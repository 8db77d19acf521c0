"""Real servers for every test: one that the suite shares, and a factory for special ones."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.system.api import Api
from tests.system.gate import Gate
from tests.system.processes import FLOWS, Server, StartServer


def pytest_configure(config: pytest.Config) -> None:
    """Register what this suite marks."""
    config.addinivalue_line("markers", "slow(seconds): its rule takes about so long")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the slowest first: begun last, it would have the other workers wait for one."""
    items.sort(key=_seconds, reverse=True)


def _seconds(item: pytest.Item) -> float:
    marker = item.get_closest_marker("slow")
    return float(marker.args[0]) if marker is not None else 0.0


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where every system package is installed (``NO_SKIPS=1``), a test that skips has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that need no settings of their own: use fresh session ids on it."""
    data_dir = tmp_path_factory.mktemp("shared") / "data"
    running = Server(
        data_dir,
        {
            "WORKFLOWS": f"workflows,{FLOWS}",
            "HEARTBEAT_SECONDS": 0.5,
            "CANCEL_GRACE_SECONDS": 0.5,
        },
    )
    yield running
    _end(running)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers with settings of their own; each ends with the test, cleanly.

    They have the workflows of `tests.system.flows` alone, which cost nothing to import.
    """
    started: list[Server] = []

    def start(data_dir: Path | None = None, **settings: object) -> Server:
        started.append(Server(data_dir or tmp_path / f"data{len(started)}", settings))
        return started[-1]

    yield start
    for each in started:
        _end(each)


@pytest.fixture
async def api(server: Server) -> AsyncIterator[Api]:
    """Yield a client of the shared server."""
    async with Api(server.url) as client:
        yield client


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """Yield what lets a `gated` workflow go on, event by event."""
    with Gate(tmp_path / "gate") as opened:
        yield opened


def _end(server: Server) -> None:
    """End a server as an operator does, unless its test has; it must leave nothing behind."""
    ended_by_test = not server.running
    if not ended_by_test:
        server.terminate()
    code = server.wait()
    leaked = server.close()
    assert ended_by_test or code == 0, f"the server ended with {code}"
    assert not leaked, f"processes left behind: {leaked}"
    assert not server.stray_lines, f"lines that are no log lines: {server.stray_lines}"

"""The start, which readers who were cut off are waiting for."""

import subprocess
import sys
from itertools import takewhile
from pathlib import Path

from tests.system.patience import PATIENCE
from tests.system.processes import ROOT, server_environment

#: Long to import, and of no use to a reader who comes back.
LATER = {"jsonschema", "pydantic", "rich.console", "server.web.openapi"}


def test_a_start_imports_nothing_that_can_wait(tmp_path: Path) -> None:
    """A server that listens has imported what readers need, and nothing that only runs do."""
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "server"],
        cwd=ROOT,
        env=server_environment(tmp_path / "data", {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            said = list(takewhile(lambda line: "Server listening" not in line, server.stdout))
        finally:
            server.terminate()
            server.communicate(timeout=PATIENCE)
    imported = {line.rpartition("|")[2].strip() for line in said}
    assert imported >= {"aiohttp", "server.app", "server.web.routes"}
    assert not imported & LATER

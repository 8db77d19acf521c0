"""The demo is what the README says that it is."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_demo_loses_and_doubles_nothing() -> None:
    """A run of ``strategy`` read over three connections ends with every event once."""
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    counts = dict(pair.split("=") for pair in lines[-1].split())
    assert int(counts["events"]) > 200
    assert (counts["cuts"], counts["lost"], counts["doubled"]) == ("2", "0", "0")
    assert sum("✂" in line for line in lines) == 2
    assert any("equity.csv" in line for line in lines)

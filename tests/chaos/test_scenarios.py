"""Every scenario of the harness, small, by the command that replays it."""

import subprocess
import sys
from pathlib import Path

import pytest

from chaos.scenario import Scenario, every

ROOT = Path(__file__).parents[2]
SEED = 20261123
SECONDS = 600
SCENARIOS = every()


def play(scenario: Scenario) -> subprocess.CompletedProcess[str]:
    """Play one as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "chaos", scenario.name, "--ci", "--seed", str(SEED)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.slow(20)
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_holds(name: str) -> None:
    """Nothing is lost, doubled, reordered, made up, skipped, wrongly ended or left behind."""
    if lacking := SCENARIOS[name].lacking:
        pytest.skip(lacking)
    result = play(SCENARIOS[name])
    assert result.returncode == 0, result.stdout
    assert f"seed={SEED}" in result.stdout

"""Every scenario of the harness, small, by the command that replays it."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from chaos.scenario import Scenario, every

ROOT = Path(__file__).parents[2]
SEED = 20261123
SECONDS = 600
AT_ONCE = 2
"""One alone leaves a core idle: most of the time a server is starting."""

Result = subprocess.CompletedProcess[str]
SCENARIOS = every()


def play(scenario: Scenario) -> Result:
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


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Result]]]:
    """All that were asked for, under way; those that take longest first."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    asked = {item.callspec.params.get("name") for item in items if hasattr(item, "callspec")}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        order = sorted(SCENARIOS.values(), key=lambda each: -each.ci)
        yield {
            each.name: pool.submit(play, each)
            for each in order
            if each.name in asked and not each.lacking
        }


@pytest.mark.timeout(SECONDS * 2)
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_holds(played: dict[str, Future[Result]], name: str) -> None:
    """Nothing is lost, doubled, reordered, made up, skipped, wrongly ended or left behind."""
    if lacking := SCENARIOS[name].lacking:
        pytest.skip(lacking)
    result = played[name].result()
    assert result.returncode == 0, result.stdout
    assert f"seed={SEED}" in result.stdout

"""Failpoints: the server dies where it was told to, and nowhere when it was not."""

import subprocess
import sys
from pathlib import Path

import pytest

from server.errors import SettingsError
from server.failpoints import EXIT_CODE, POINTS, armed, parse
from tests.system.processes import refused

ROOT = Path(__file__).parents[1]


def test_dies_at_the_count() -> None:
    """A point kills when it is passed for the count-th time, others never do."""
    deaths: list[int] = []
    passed = armed(parse("start.after:3,ack.before_send:2"), lambda: deaths.append(turn))
    for turn in range(1, 6):
        passed("start.after")
        passed("commit.before_ack")
        if turn == 4:
            passed("ack.before_send")
    assert deaths == [3]


@pytest.mark.parametrize("text", ["nowhere:1", "start.after", "start.after:0", "start.after:x"])
def test_what_is_no_point_is_refused(text: str, tmp_path: Path) -> None:
    """A server with a failpoint that it does not know says so and does not start."""
    with pytest.raises(SettingsError, match="the names are"):
        parse(text)
    code, said = refused(tmp_path / "data", FAILPOINTS=text)
    assert code == 2
    assert "FAILPOINTS" in said


def test_ends_the_process() -> None:
    """What is set in the environment ends the process, whatever it was about to do."""
    script = "from server import failpoints; failpoints.passed('start.after'); print('alive')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"FAILPOINTS": "start.after:1"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (EXIT_CODE, b"")


def test_each_point_is_passed_somewhere() -> None:
    """Every named point stands at exactly one place of the server, and no other is passed."""
    sources = [path.read_text() for path in (ROOT / "server").rglob("*.py")]
    for name in POINTS:
        assert sum(text.count(f'passed("{name}")') for text in sources) == 1, name
    assert sum(text.count("failpoints.passed(") for text in sources) == len(POINTS)


def test_points_are_documented() -> None:
    """The operations guide has each point with the words of the code."""
    guide = (ROOT / "docs/operations.md").read_text()
    for name, what in POINTS.items():
        assert f"| `{name}` | {what} |" in guide

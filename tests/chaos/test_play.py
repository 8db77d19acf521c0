"""What a scenario that fails tells, and that it fails."""

import tempfile
from pathlib import Path

import pytest

from chaos.__main__ import main, table
from chaos.arena import Arena
from chaos.figures import Figure
from chaos.play import play
from chaos.scenario import Scenario, every
from chaos.scenarios.soak import Gauge

LOST = "lost: by hand"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for a look is kept where the test's own files are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


async def breaks(arena: Arena) -> None:
    """Find something, and come to no end."""
    arena.found("lost", "by hand")
    arena.figure("long", 3.0, most=2.0)
    raise RuntimeError(f"dice: {arena.dice.random()}")


async def test_failure_tells_how_to_replay() -> None:
    """A scenario that fails is not good, and says its seed, the command and what it found."""
    played = await play(Scenario("breaks", "it breaks", 7, 1, "times", breaks), 7, 42)
    told = played.told()
    assert not played.good
    assert 'make chaos ARGS="breaks --size 7 --seed 42"' in told
    assert "lost=1" in told and "seed=42" in told and LOST in told
    assert "NOT KEPT" in told
    assert "did not end" in table([played])
    assert played.kept is not None and played.kept.is_dir()


async def test_seed_draws_the_same() -> None:
    """Two plays of one seed draw the same, of two seeds they do not."""
    broken = Scenario("breaks", "it breaks", 1, 1, "times", breaks)
    said = [(await play(broken, 1, seed)).broke.splitlines()[-1] for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


async def test_requirement_that_is_not_kept_fails() -> None:
    """What a scenario requires beside the verdict makes it fail."""

    async def requires(arena: Arena) -> None:
        arena.require(True, "kept")
        arena.require(False, "memory grew")
        raise RuntimeError

    played = await play(Scenario("requires", "it requires", 1, 1, "times", requires), 1, 1)
    assert played.broken == ("memory grew",)
    assert not played.good


def test_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is no scenario's ends at once, and the names are said."""
    with pytest.raises(SystemExit):
        main(["kill-servr"])
    assert "kill-server" in capsys.readouterr().err


def test_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    """The list has each scenario with what it does."""
    assert main(["--list"]) == 0
    said = capsys.readouterr().out
    for each in every().values():
        assert each.name in said and each.what in said
        assert 0 < each.ci <= each.size


@pytest.mark.parametrize(("grows", "flat"), [(0.0, True), (1.0, False)])
def test_gauge_knows_flat_from_growing(grows: float, flat: bool) -> None:
    """A gauge that goes up and down is flat; one that goes up with time is not."""
    gauge = Gauge("x", "MiB", lambda: 0, share=0.05, slack=1)
    gauge.values = [100 + second % 7 + grows * second for second in range(90)]
    assert gauge.flat is flat


def test_figure_tells_percentiles() -> None:
    """A figure of many values tells the median and the 99th percentile, in its unit."""
    figure = Figure("wait", "s", most=2.0, values=[n / 100 for n in range(1, 101)])
    assert str(figure) == "wait p50 0.505 s, p99 0.990 s (≤ 2)"

"""What a scenario that fails tells, and that it fails."""

import asyncio
import tempfile
import time
from pathlib import Path

import pytest

from chaos.__main__ import main, table
from chaos.arena import Arena
from chaos.figures import Figure
from chaos.load import Load
from chaos.play import play
from chaos.scenario import Scenario, every
from chaos.scenarios.soak import Gauge
from chaos.server import Server

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
    assert "harness " in told and " of a core" in told
    assert "lost 1; did not end" in table([played])
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


async def test_rows_of_all_plays_fit_one_table() -> None:
    """Every row of the table has as many cells as its head, whatever a trace or a finding holds."""

    async def trips(arena: Arena) -> None:
        arena.require(False, "a | b\nc")
        raise RuntimeError("d | e")

    played = await play(Scenario("trips", "it trips", 1, 1, "times", trips), 1, 1)
    head, line, row, *_ = table([played]).splitlines()
    assert head.count("|") == line.count("|") == row.count("|")


def test_stray_lines_of_a_log_are_found(tmp_path: Path) -> None:
    """What a server's log has beside log lines is found, whole lines."""
    server = Server(tmp_path / "data", {})
    server.log.write_text('{"event":"fine"}\nTraceback (most recent call last):\n{"event":"too"}\n')
    assert server.strays() == ["Traceback (most recent call last):"]


async def test_load_sees_a_loop_that_is_late() -> None:
    """A loop that was held up is late by as much, and its process was busy meanwhile."""
    async with Load() as load:
        await asyncio.sleep(0.02)
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
        await asyncio.sleep(0.02)
    assert max(load.late.values) > 0.2
    assert load.busy > 0.1 and 0 < load.machine <= 1


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

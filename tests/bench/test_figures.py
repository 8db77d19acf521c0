"""Figures and plots say what was measured."""

from xml.etree import ElementTree

import pytest

from bench.figures import milliseconds, percentile, ratio, spread
from bench.plot import Panel, nice, svg


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0.1, 1)])
def test_percentile(percent: float, expected: float) -> None:
    """The smallest value that so many percent do not exceed."""
    assert percentile([*range(100, 0, -1)], percent) == expected


def test_percentile_of_one() -> None:
    """One value is all percentiles."""
    assert percentile([7.0], 99) == 7.0


def test_ratio_is_of_pairs() -> None:
    """What was measured side by side is compared, not the medians."""
    assert ratio([10, 200, 3000], [10, 100, 1000]) == 2


def test_cells() -> None:
    """Units are right."""
    assert milliseconds(1_500_000) == "1.5 ms"
    assert spread([2.0, 3.0]) == 1.5


@pytest.mark.parametrize(("value", "expected"), [(0.7, 1), (1, 1), (1.1, 2), (3, 5), (51, 100)])
def test_scale(value: float, expected: float) -> None:
    """A scale ends at a round number that is not under the largest."""
    assert nice(value) == expected


def test_plot() -> None:
    """A plot is well formed and has a point for each that was measured, inside it."""
    points = [(1, 4.0), (10, 4.5), (10_000_000, 5.0)]
    drawn = ElementTree.fromstring(svg([Panel("a < b", "x", "y", points)] * 2, "note"))
    circles = drawn.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 6
    assert all(0 < float(circle.get("cx", "")) < 640 for circle in circles)
    assert all(0 < float(circle.get("cy", "")) < 220 for circle in circles)

"""Many numbers to one. Pure."""

from collections.abc import Sequence
from statistics import median


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of ``values`` do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(0, int(rank) - 1)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of what was measured side by side, round by round."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def milliseconds(nanoseconds: float) -> str:
    """A cell."""
    return f"{nanoseconds / 1e6:.1f} ms"


def spread(values: Sequence[float]) -> float:
    """How many times the smallest the largest is."""
    return max(values) / min(values)

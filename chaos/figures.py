"""Figures that a scenario adds to its verdict."""

from dataclasses import dataclass, field
from statistics import quantiles


@dataclass
class Figure:
    """Values of one thing. ``most`` is what the 99th percentile may be; it is told, not judged.

    How long something takes depends on who else uses the machine: a verdict that replays by its
    seed cannot hang on it.
    """

    name: str
    unit: str = "s"
    most: float | None = None
    values: list[float] = field(default_factory=list)

    def percentile(self, percent: int) -> float:
        """The value that so many percent do not exceed."""
        if len(self.values) == 1:
            return self.values[0]
        return quantiles(self.values, n=100, method="inclusive")[percent - 1]

    @property
    def kept(self) -> bool:
        """Whether it is within its bound."""
        return self.most is None or not self.values or self.percentile(99) <= self.most

    def __str__(self) -> str:
        if len(self.values) == 1:
            told = f"{self.name} {_shown(self.values[0])} {self.unit}".rstrip()
        else:
            p50, p99 = _shown(self.percentile(50)), _shown(self.percentile(99))
            told = f"{self.name} p50 {p50} {self.unit}, p99 {p99} {self.unit}"
        bound = (
            ""
            if self.most is None
            else f" (≤ {_shown(self.most)}{'' if self.kept else ', NOT KEPT'})"
        )
        return told + bound


def _shown(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 and value != int(value) else f"{value:,.0f}"

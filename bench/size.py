"""How large a row is: as it is claimed, or small, to see in seconds that it still works."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Size:
    """One argument for all rows; ``events`` is the length of the longest session of ``growth``."""

    quick: bool = False
    events: int = 10_000_000
    plot: Path = Path("docs/growth.svg")
    peers: frozenset[str] = frozenset()  # the only ones to be measured; none: all

    def of(self, claimed: T, small: T) -> T:
        """The one that is asked for."""
        return small if self.quick else claimed

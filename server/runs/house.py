"""What all runs of a server share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from server.records import Append
from server.runs.catalogue import Catalogue
from server.runs.containment import Keeper
from server.runs.forkserver import ForkServer
from server.runs.intake import Acks

if TYPE_CHECKING:
    from server.runs.child import Child


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """Handed to every run; :class:`server.runs.children.Runs` builds it and closes what is open."""

    append: Append
    catalogue: Catalogue
    forkserver: ForkServer
    keeper: Keeper
    acks: Acks
    directory: Path  # of the pipes for last words
    address: Path  # where children connect
    grace: float  # seconds to end in
    patience: float  # seconds that a run and a server wait for each other


class Owner(Protocol):
    """Who keeps the runs, and hears from each."""

    def accepted(self, child: "Child") -> None:
        """Its first event is committed: it may have a place."""

    def freed(self, child: "Child") -> None:
        """Its process is gone: the place is the next one's."""

    def over(self, child: "Child") -> None:
        """Its terminal event is committed and its process gone."""

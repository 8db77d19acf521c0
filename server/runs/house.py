"""What all runs of a server share."""

from dataclasses import dataclass
from pathlib import Path

from server.records import Append
from server.runs.catalogue import Catalogue
from server.runs.forkserver import ForkServer
from server.runs.intake import Acks


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """Handed to every run; :class:`server.runs.children.Runs` builds it and closes what is open."""

    append: Append
    catalogue: Catalogue
    forkserver: ForkServer
    acks: Acks
    directory: Path  # of the pipes for last words
    address: Path  # where children connect
    grace: float  # seconds to end in

"""From a workflow's process to decoded, numbered, committed events.

``catalogue``   which workflows exist; ``discovery`` and ``probe`` find out, importing nothing here
``children``    all runs: places, the queue, the socket they connect to
``child``       one run: puts into effect what ``life`` decides; ``evidence`` names its end
``pipe``        the lines of the pipe, both directions; pure
``commits``     what a run wants kept, one append at a time
``connection``  the socket's side of a child; ``process`` and ``forkserver`` the kernel's
"""

from server.runs.catalogue import Catalogue, Entry
from server.runs.children import Runs

__all__ = ["Catalogue", "Entry", "Runs"]

"""From a workflow's process to decoded, numbered, committed events.

``catalogue``   which workflows exist; ``discovery`` and ``probe`` find out, importing nothing here
``children``    all runs: places, the queue, the socket they connect to
``child``       one run: puts into effect what ``life`` decides; ``evidence`` names its end
``adoption``    what becomes of the runs that an earlier server left
``inlet``       all their pipes, read in turns when the log has time
``intake``      what a child sends: decoded by ``pipe``, kept by ``commits``, acknowledged
``body``        its process and what belongs to it: ``forkserver``, ``process``, ``connection``,
                ``last_words``
"""

from server.runs.adoption import Found
from server.runs.catalogue import Catalogue, Entry
from server.runs.children import Runs

__all__ = ["Catalogue", "Entry", "Found", "Runs"]

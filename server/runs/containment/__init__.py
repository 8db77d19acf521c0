"""What a run has started ends with it, and hurts nobody else while it lives.

* :mod:`.hierarchies` (pure): where the kernel's control groups are.
* :mod:`.slots`: one control group for each run, entered before its process exists.
* :mod:`.kin` (pure): who belongs to a run where there are no control groups.
* :mod:`.processes`: the processes of this machine, and signals that reach the one that is meant.
* :mod:`.limits` (pure): what a run may use, and what is said when it used more.
* :mod:`.nursery`: where the fork server stands when it forks.
* :mod:`.meter`: how much a run uses, where the kernel does not hold it to its limits itself.
* :mod:`.ending`: ending a run that no control group holds.
* :mod:`.contained`: one run, for its body; :mod:`.keeper`: all of them, for the server.
"""

from server.runs.containment.contained import Contained
from server.runs.containment.keeper import Keeper
from server.runs.containment.limits import Limits
from server.runs.containment.nursery import Nursery

__all__ = ["Contained", "Keeper", "Limits", "Nursery"]

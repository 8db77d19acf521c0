"""Ending runs that no control group holds, by descent and by mark. On a thread."""

from collections.abc import Callable, Collection, Iterable

from server.runs.containment import processes
from server.runs.containment.contained import Contained
from server.runs.containment.kin import Snapshot, descendants, members
from server.runs.containment.nursery import Nursery
from server.runs.containment.processes import Look, Marks


def end_runs(
    batch: list[Contained], nursery: Nursery, joining: Callable[[], Iterable[Contained]] = tuple
) -> bool:
    """End all that belongs to these runs; whether nothing is left of them.

    Where strangers fork all the time it takes long to tell that. So ``joining`` is asked, at each
    look at every process, who else is to be ended: those are added to ``batch``, and for them the
    looks are counted anew.
    """
    marks, joined = Marks(), list[Contained]()

    def of_all(known: Snapshot) -> Look:
        nonlocal marks, joined
        if not known:
            marks = Marks()  # an exec may have changed them, and hides them while it is under way
            joined = list(joining())
            batch.extend(joined)
        with nursery.quiet() as forkserver:
            seen, whole, _ = processes.look(known)
        whole = whole and not joined
        found = set[int]()
        for one in batch:
            home = (
                forkserver is not None and forkserver.pid in seen and forkserver.pid == one.parent
            )
            marked: list[int] = []
            if not home:  # nobody took the leader's orphans in
                younger = (each for each in seen.values() if each.started >= one.identity.started)
                borne, told = marks.of(younger)
                whole = whole and told
                marked = [pid for pid, mark in borne.items() if mark == nursery.mark(one.run)]
            found |= members(seen, one.identity, forkserver, marked).keys()
        return Look(seen, whole, found)

    return processes.end(of_all)


def end_strays(kept: Callable[[], Collection[str]], nursery: Nursery) -> bool:
    """End what bears the mark of a run of this data directory that is not kept; as above.

    What descends from the fork server is of runs that have begun meanwhile.
    """
    every, marks = nursery.mark(""), Marks()

    def strays(known: Snapshot) -> Look:
        nonlocal marks
        if not known:
            marks = Marks()
        seen, whole, _ = processes.look(known)
        ours = {nursery.mark(run) for run in kept()}
        begun = descendants(seen, {nursery.pid})
        borne, told = marks.of(each for each in seen.values() if each.pid not in begun)
        found = {pid for pid, mark in borne.items() if mark.startswith(every) and mark not in ours}
        return Look(seen, whole and told, {pid for pid in found if not seen[pid].gone})

    return processes.end(strays)

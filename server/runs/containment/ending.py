"""Ending runs that no control group holds, by descent and by mark. On a thread."""

from collections.abc import Collection

from server.runs.containment import processes
from server.runs.containment.contained import Contained
from server.runs.containment.kin import Process, Snapshot, members
from server.runs.containment.nursery import Nursery
from server.runs.process import GONE


def end_runs(batch: Collection[Contained], nursery: Nursery) -> bool:
    """End all that belongs to these runs; whether nothing is left of them."""

    def of_all() -> dict[int, Process]:
        with nursery.quiet() as forkserver:
            seen = processes.look()
        found: dict[int, Process] = {}
        for one in batch:
            home = (
                forkserver is not None and forkserver.pid in seen and forkserver.pid == one.parent
            )
            marked = () if home else _marked(seen, nursery.mark(one.run), one)
            found |= members(seen, one.identity, forkserver, marked)
        return found

    return processes.end(of_all)


def end_strays(kept: Collection[str], nursery: Nursery) -> bool:
    """End what bears the mark of a run of this data directory, but for these runs'."""
    ours, every = {nursery.mark(run) for run in kept}, nursery.mark("")

    def strays() -> dict[int, Process]:
        seen = processes.look()
        marks = processes.marks(seen.values())
        return {
            pid: seen[pid]
            for pid, mark in marks.items()
            if mark.startswith(every) and mark not in ours and seen[pid].state not in GONE
        }

    return processes.end(strays)


def _marked(seen: Snapshot, mark: str, one: Contained) -> list[int]:
    """For where nobody took the leader's orphans in."""
    younger = (each for each in seen.values() if each.started >= one.identity.started)
    return [pid for pid, found in processes.marks(younger).items() if found == mark]

"""Who belongs to a run where no control group says so. Pure.

The rules, for a run whose leader is known by pid and start time:

* While the leader lives, every process of the run descends from it: it takes its orphans in.
* The session that the leader has founded is the run's, also after its death. The kernel gives the
  leader's number to nobody while one process of the session lives.
* When it is dead, its orphans are children of the fork server. A process's session is never again
  the fork server's once it has left that, as each run has; so who is the fork server's child, in
  another session and no leader that we know, is what a dead run has left. One that is older than
  the leader is not this run's.
* Who bears the run's mark is the run's.
* Children of the run's are the run's. The dead are nobody's.
* A process group is the run's when all who were seen alive in it are.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple


class Identity(NamedTuple):
    """One process and never another, as long as the machine is up."""

    pid: int
    started: int  # clock ticks since boot


class Process(NamedTuple):
    """What ``/proc/PID/stat`` says of a process."""

    pid: int
    started: int
    state: str
    parent: int
    group: int
    session: int
    threads: int

    @property
    def identity(self) -> Identity:
        """By which it is told from all others."""
        return Identity(self.pid, self.started)

    @property
    def gone(self) -> bool:
        """Whether it runs no code any more; one whose first thread only has ended does."""
        return self.state in "ZX" and self.threads <= 1


Snapshot = Mapping[int, Process]


class ForkServer(NamedTuple):
    """The fork server, and the leaders that it has started."""

    pid: int
    leaders: Collection[Identity]


def members(
    seen: Snapshot,
    leader: Identity,
    forkserver: ForkServer | None = None,
    marked: Collection[int] = (),
) -> dict[int, Process]:
    """The living processes of a run."""
    roots = {pid for pid in marked if pid in seen}
    holder = seen.get(leader.pid)
    if holder is None or holder.started == leader.started:
        roots |= {each.pid for each in seen.values() if each.session == leader.pid}
    if holder is not None and holder.identity == leader and not holder.gone:
        roots.add(leader.pid)
    elif forkserver is not None and forkserver.pid in seen:
        roots |= _orphans(seen, leader, forkserver)
    found = descendants(seen, roots)
    return {pid: seen[pid] for pid in found if not seen[pid].gone}


def groups(seen: Snapshot, found: Collection[int]) -> set[int]:
    """The process groups that have nobody alive in them but these."""
    others = {each.group for each in seen.values() if each.pid not in found and not each.gone}
    return {seen[pid].group for pid in found} - others


def _orphans(seen: Snapshot, leader: Identity, forkserver: ForkServer) -> set[int]:
    home = seen[forkserver.pid].session
    return {
        each.pid
        for each in seen.values()
        if each.parent == forkserver.pid
        and each.session != home
        and each.started >= leader.started
        and each.identity not in forkserver.leaders
    }


def descendants(seen: Snapshot, roots: Collection[int]) -> set[int]:
    """These, and all who come from them."""
    children: dict[int, list[int]] = {}
    for each in seen.values():
        children.setdefault(each.parent, []).append(each.pid)
    found, unseen = set[int](), set(roots)
    while unseen:
        found |= unseen
        unseen = {child for pid in unseen for child in children.get(pid, ())} - found
    return found

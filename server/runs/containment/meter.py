"""How much runs use, measured where the kernel does not hold them to their limits itself.

On a thread: all of it reads ``/proc`` and control groups.
"""

import functools
from collections.abc import Callable, Iterable

from server.runs.containment import processes
from server.runs.containment.contained import Contained
from server.runs.containment.kin import Process, Snapshot, members
from server.runs.containment.limits import Limits, Usage, too_much


def excesses(watched: Iterable[Contained], limits: Limits) -> list[tuple[Contained, str]]:
    """Who ran into a limit, with the reason; one look at the machine serves all."""
    look = functools.cache(lambda: processes.look().seen)
    reasons = ((each, _excess(each, limits, look)) for each in watched)
    return [(each, reason) for each, reason in reasons if reason is not None]


def _excess(one: Contained, limits: Limits, look: Callable[[], Snapshot]) -> str | None:
    if one.slot is not None and (refused := one.slot.refused()):
        return refused
    left = _not_held(one, limits)
    return too_much(_usage(_members(one, look), left), limits) if any(left) else None


def _not_held(one: Contained, limits: Limits) -> Limits:
    """The limits that are ours to watch."""
    held = one.slot.controls() if one.slot is not None else {}
    return Limits(
        memory=0 if "memory" in held else limits.memory,
        processes=0 if "pids" in held else limits.processes,
    )


def _members(one: Contained, look: Callable[[], Snapshot]) -> list[Process]:
    seen = look()
    if one.slot is not None:
        return [seen[pid] for pid in one.slot.pids() if pid in seen]
    return list(members(seen, one.identity).values())


def _usage(of: list[Process], limits: Limits) -> Usage:
    return Usage(
        memory=processes.memory(of) if limits.memory else 0,
        tasks=processes.tasks(of) if limits.processes else 0,
    )

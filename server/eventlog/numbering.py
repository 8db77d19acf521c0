"""From appends to a group: which session and which number each goes on from.

What is in memory needs no question to the disk, and under load everything is: a run that goes on
keeps its number here (:meth:`server.eventlog.tail.Tail.settle`).
"""

from collections.abc import Awaitable, Callable, Mapping

from server.eventlog.group import Append, Group
from server.eventlog.recovery import Recovered
from server.eventlog.rows import Found
from server.eventlog.tail import Tail
from server.records import SessionRecord

Wanted = set[tuple[str, str]]  # sessions by id, each with a producer or ""


class Numbering:
    """``tails`` has the sessions with events that are not packed yet, and others for a while."""

    def __init__(
        self,
        recovered: Recovered,
        find: Callable[[Wanted], Awaitable[Mapping[tuple[str, str], Found]]],
    ) -> None:
        """``find`` asks the disk."""
        self._tails = recovered.tails
        self._next_key = recovered.next_key
        self._find = find

    async def group(self, appends: list[Append]) -> tuple[Group, dict[str, Tail]]:
        """A group of ``appends``, and the tails of the sessions that it begins."""
        tails = self._tails
        known = [tails.get(append.session.id) for append in appends]
        if unknown := _unknown(appends, known):
            await self._look_up(unknown)
            known = [tails.get(append.session.id) for append in appends]
        group = Group()
        new: dict[str, Tail] = {}
        for append, tail in zip(appends, known, strict=True):
            group.add(append, tail or self._begun(append.session, new))
        return group, new

    async def _look_up(self, unknown: Wanted) -> None:
        for (session, producer), found in (await self._find(unknown)).items():
            if found.tail is not None:
                tail = self._tails.setdefault(session, found.tail)
                if producer:
                    tail.numbers.setdefault(producer, found.n)

    def _begun(self, session: SessionRecord, new: dict[str, Tail]) -> Tail:
        """The tail of a session that is not stored."""
        tail = new.get(session.id)
        if tail is None:
            tail = new[session.id] = Tail(self._next_key, session)
            self._next_key += 1
        return tail


def _unknown(appends: list[Append], known: list[Tail | None]) -> Wanted:
    """The sessions and producers of ``appends`` that are not in memory."""
    return {
        (append.session.id, append.producer)
        for append, tail in zip(appends, known, strict=True)
        if tail is None or (append.producer and append.producer not in tail.numbers)
    }

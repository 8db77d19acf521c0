"""What is done about a commit that failed, and between commits until the store is healthy again."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic

import apsw

from server.errors import KeepstreamError, StoreDamaged
from server.eventlog.ballast import Ballast
from server.eventlog.checkpoint import copy_within
from server.eventlog.damage import Damage
from server.eventlog.duress import Claim, Condition, Duress, Fault, NoRoom, Signal, claim
from server.eventlog.group import Append
from server.eventlog.proof import prove
from server.eventlog.segments import damaged
from server.eventlog.threads import ConnectionThread

#: How often it is looked whether the disk has room, or works, again.
MEND_SECONDS = 0.5


def claim_of(append: Append) -> Claim:
    """What ``append`` may cost when the disk is full."""
    return claim(append.record, events=bool(append.drafts))


def urgent(appends: Sequence[Append], least: Claim) -> list[Append]:
    """Those with that claim at least; none behind one that has not."""
    held_back: set[str] = set()
    kept = []
    for append in appends:
        if append.session.id in held_back or claim_of(append) < least:
            held_back.add(append.session.id)
        else:
            kept.append(append)
    return kept


def by_session(appends: Sequence[Append]) -> list[list[Append]]:
    """The same appends, those of each session together."""
    found: dict[str, list[Append]] = {}
    for append in appends:
        found.setdefault(append.session.id, []).append(append)
    return list(found.values())


class Mending:
    """The writer's way out of duress; everything it does is done in the writer's thread."""

    def __init__(
        self,
        writer: ConnectionThread,
        connect: Callable[[], apsw.Connection],
        ballast: Ballast,
        duress: Duress,
        damage: Damage,
    ) -> None:
        self.duress = duress
        self.damage = damage
        self._writer = writer
        self._connect = connect
        self._ballast = ballast
        self._due = 0.0

    async def rescue(self, appends: list[Append], error: Exception, end: int) -> list[list[Append]]:
        """Groups of ``appends`` to be tried again at once; the rest has failed.

        ``end`` is the journal's last row that was acknowledged.
        """
        if isinstance(error, NoRoom):
            self.duress.signal(Signal.NO_ROOM, error.message)
            return await self._from_ballast(appends)
        if isinstance(error, Fault):
            self.duress.signal(Signal.FAULT, error.message)
            await self._prove(end)
        elif isinstance(error, StoreDamaged):
            groups = by_session(appends)
            if len(groups) > 1:
                return groups
            located = damaged(appends[0].session.id) if appends and not error.session else error
            self.damage.note(located)
        return []

    async def _from_ballast(self, appends: list[Append]) -> list[list[Append]]:
        for least in (Claim.SOME, Claim.ALL):
            kept = urgent(appends, least)
            if kept and await self._of_ballast(partial(self._ballast.give, least)):
                with suppress(KeepstreamError):
                    await self._writer.start(copy_within, self._ballast.slice // 2)
                return [kept]
        return []

    async def mend(self, end: int) -> None:
        """Look, once in a while, whether the store is healthy again."""
        if monotonic() < self._due:
            return
        self._due = monotonic() + MEND_SECONDS
        if self.duress.condition is Condition.FAILING:
            await self._prove(end)
        elif self.duress.condition is Condition.FULL and await self._of_ballast(self._ballast.take):
            self.duress.signal(Signal.ROOM)

    async def _prove(self, end: int) -> None:
        try:
            await self._writer.reopen(self._connect)
            await self._writer.start(prove, end)
        except NoRoom as error:
            self.duress.signal(Signal.NO_ROOM, error.message)
        except KeepstreamError as error:
            self.duress.reason = error.message
        else:
            self.duress.signal(Signal.PROVED)

    async def _of_ballast(self, work: Callable[[], bool]) -> bool:
        try:
            return await self._writer.start(lambda _: work())
        except (OSError, KeepstreamError):
            return False

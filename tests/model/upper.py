"""The upper half of the road: the log, its readers, and a writer that knows its numbers.

The writer stands for a run and its pipe in as few words as can be: it numbers what it writes, keeps
it until it hears that it is durable, and after a failure or a crash sends again from there. So this
half can be played many more times than the whole.
"""

from contextlib import suppress
from functools import partial
from typing import Any

from server.errors import StoreUnavailable
from server.eventlog.group import waited
from server.events import Draft, draft
from server.records import RunRecord
from tests.model.disk import Disk
from tests.model.promises import judge_upper
from tests.model.server import UpperServer
from tests.model.world import COMMON, SESSION, World, weighed

RUN = "r"
BEGUN = RunRecord(
    id=RUN,
    session=SESSION,
    workflow="w",
    input={},
    labels={},
    state="running",
    created="2026-01-01T00:00:00.000000Z",
    timeout=60,
)
ENDED = RunRecord(
    id=RUN,
    session=SESSION,
    workflow="w",
    input={},
    labels={},
    state="complete",
    created="2026-01-01T00:00:00.000000Z",
    ended="2026-01-01T00:00:01.000000Z",
    timeout=60,
)
STRANGER = draft("word", "other", b"{}", micros=0)


class Upper(World):
    """One writer; the seed kills the server and fails its commits."""

    kind = UpperServer

    def __init__(self, seed: int, disk: Disk) -> None:
        super().__init__(seed, disk)
        self.length = 3 + int(self.random.random() * 9)
        self.lives = [self._lines()]  # the lines as they were sent before and after each restore
        self.kept = 0  # lines that the writer was told are durable
        self._writing = False

    @property
    def lines(self) -> list[Draft]:
        """What the writer sends now."""
        return self.lives[-1]

    def _lines(self) -> list[Draft]:
        words = [b'{"i":%d,"life":%d}' % (n, self.restores) for n in range(2, self.length)]
        return [
            draft("run_start", RUN, b"{}", micros=0, n=1),
            *(draft("word", RUN, data, micros=0, n=n) for n, data in enumerate(words, 2)),
            draft("complete", RUN, b'{"result":%d}' % self.restores, micros=0, n=self.length),
        ]

    def judge(self) -> list[str]:  # noqa: D102
        return judge_upper(self)

    def kill_server(self) -> None:  # noqa: D102
        super().kill_server()
        self._writing = False

    def restore(self) -> None:
        """Go back to the copy: what the writer was told is void, and what it sends now is new."""
        super().restore()
        self.kept = 0
        self.lives.append(self._lines())

    def write(self) -> None:
        """Send some lines that are not known to be durable."""
        if self.server is None or not self.server.up or self._writing or self.kept == self.length:
            return
        upto = min(self.length, self.kept + self.one_of((1, 1, 2, 4)))
        self._write(upto)

    def _write(self, upto: int) -> None:
        self._writing = True
        self.server.spawn(self._append(self.lines[self.kept : upto], upto))

    async def _append(self, lines: list[Draft], upto: int) -> None:
        hub = self.server.hub
        async with hub.hold(SESSION, create=True) as session:
            # As a new server does, it looks whether the copy has the run's start, or its end.
            begins = lines[0].n == 1 and not session.last
            record = ENDED if upto == self.length else BEGUN if begins else None
            try:
                await landed(hub, lines, record)
            except StoreUnavailable:
                pass
            else:
                self.kept = upto
        self._writing = False

    def make_noise(self) -> None:
        """Have another session written to: it shares the commits."""
        if self.server is not None and self.server.up:
            self.server.spawn(self._append_noise())

    async def _append_noise(self) -> None:
        hub = self.server.hub
        with suppress(StoreUnavailable):
            async with hub.hold("noise", create=True):
                await waited(partial(hub.append, "noise", [STRANGER]))

    def warm_up(self, far: int) -> None:
        """Write a part of the lines."""
        if far > 1:
            self.settle_server()
            self._write(min(self.length - 1, far))
            self.settle_server()

    # -- the end

    @property
    def over(self) -> bool:  # noqa: D102
        return self.kept == self.length

    def move_on(self) -> bool:  # noqa: D102
        if self._writing or self.over:
            return False
        self._write(self.length)
        return True


async def landed(hub: Any, lines: list[Draft], record: RunRecord | None) -> None:
    """Append, and wait until it is durable."""
    await waited(partial(hub.append, SESSION, lines, producer=RUN, record=record))


Upper.acts = weighed([*COMMON, (14, Upper.write), (8, Upper.make_noise), (4, Upper.pass_time)])

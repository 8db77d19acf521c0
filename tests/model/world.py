"""What every schedule has: a disk, a server that may die, readers that come and go, and a seed."""

from collections.abc import Callable, Coroutine
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from server.errors import KeepstreamError, NotFound, StoreUnavailable
from server.eventlog.duress import Fault, NoRoom
from server.sessions.opening import Wish
from tests.model.disk import Disk
from tests.model.readers import Counted, Reader, Wire
from tests.model.server import Server
from tests.model.stage import STAGE

if TYPE_CHECKING:
    from tests.model.process import Process

SESSION = "s"
#: Callbacks after which a server that is asked for nothing must be at rest.
REST = 3000
#: Callbacks between two acts: a few, or all that there are.
TURNS = (0, 0, 0, 1, 2, 4, 8, 100, 100)
#: Rounds in which everything must come to its end once nothing breaks any more.
ROUNDS = 60

#: What a commit may fail with: a statement, a full disk, a sync that failed.
TROUBLES = (StoreUnavailable, NoRoom, Fault)

Act = Callable[[Any], None]


class Stuck(Exception):
    """Nothing breaks any more, and still it does not come to its end."""


class World:
    """One schedule: the seed decides who acts next, what breaks, and when."""

    kind: ClassVar[type[Server]]
    acts: ClassVar[list[Act]]

    def __init__(self, seed: int, disk: Disk) -> None:
        self.random = Random(seed)
        self.disk = disk
        self.time = 1000.0
        self.shuffled = self.lot(0.3)
        self.journal_bytes = self.one_of((300, 2000, 1 << 20, 1 << 20, 1 << 20, 1 << 20))
        self.server: Any = None
        self.failures: list[str] = []
        self.crashes = 0
        self.restores = 0
        self.restored = False  # to an old copy, and no server has served since
        self.processes: dict[int, Process] = {}
        self.readers: list[Reader] = []
        disk.format()
        disk.is_quick = lambda: self.lot(0.2)
        STAGE.world = self
        STAGE.errors.clear()
        for number in range(self.one_of((1, 1, 2, 3))):
            types = "word,complete" if self.lot(0.15) else ""
            after = "now" if self.lot(0.1) else ""
            self.readers.append(Reader(number, types, after))

    def lot(self, chance: float) -> bool:
        """Whether it happens."""
        return self.random.random() < chance

    def one_of(self, choices: Any) -> Any:
        """Any of them."""
        return choices[int(self.random.random() * len(choices))]

    # -- the schedule

    def play(self) -> None:
        """Let the seed have its way, then let everything come to its end."""
        self.start_server()
        try:
            self.warm_up(self.one_of((0, 1, 2, 3, 4, 6)))
            for _ in range(10 + int(self.random.random() * 31)):
                self.one_of(self.acts)(self)
                if self.server is not None:
                    self.server.loop.run(self.one_of(TURNS))
            self.settle()
            if self.lot(0.25):  # the history that is judged is then the one that was recovered
                self.kill_server()
                self.start_server()
                self.settle_server()
            self.failures += self.judge()
        finally:
            if self.server is not None:
                self.kill_server()
            self.failures += STAGE.errors

    def warm_up(self, far: int) -> None:
        """Go so far without a fault: most of them happen in the middle of something."""
        raise NotImplementedError

    def judge(self) -> list[str]:
        """Say which promises were broken."""
        raise NotImplementedError

    # -- the server and its disk

    def start_server(self) -> None:
        """Start one, with ``NEW_EPOCH`` until one has served since a restore."""
        self.server = self.kind(self, new_epoch=self.restored)

    def kill_server(self) -> None:
        """Kill -9."""
        server, self.server = self.server, None
        self.restored = self.restored and not server.up
        for reader in self.readers:
            if reader.wire is not None:
                self._drop(reader)
        server.loop.abandon()
        self.failures += server.loop.failures
        self.disk.forget()

    def crash(self) -> None:
        """Kill the server, or start one; perhaps on a disk that was put back to an old copy."""
        if self.server is not None:
            self.crashes += 1
            self.kill_server()
            if self.lot(0.5):
                return
        if self.disk.copy is not None and self.lot(0.6):
            self.restore()
        else:
            self.start_server()

    def restore(self) -> None:
        """Go back to the copy, as the operator's guide says."""
        self.restores += 1
        self.disk.restore()
        self.restored = True
        self.start_server()

    def work_disk(self) -> None:
        """Have a thread do its job, and perhaps tell of it."""
        for thread in self.disk.waiting():
            if self.lot(0.9):
                thread.do()
                if self.lot(0.8):
                    thread.tell()

    def fail_disk(self) -> None:
        """Have a commit fail."""
        for thread in self.disk.waiting():
            thread.fail(self.one_of(TROUBLES)("the disk is not what it was"))

    def back_up(self) -> None:
        """Copy the database."""
        self.disk.back_up()

    def pass_time(self) -> None:
        """Go on to the next moment that the server waits for."""
        if self.server is not None and self.server.loop.pass_time():
            self.time = max(self.time, self.server.loop.time())

    def beat(self) -> None:
        """Have the readers' connections looked after."""
        if self.server is not None and self.server.up:
            for session in self.server.hub:
                for reader in session.audience.readers:
                    reader.beat(self.time)

    def say_goodbye(self) -> None:
        """Send the readers away, as a server does before it leaves."""
        if self.server is not None and self.server.up:
            self.server.hub.stop(1)
            self.kill_server()

    def ask(self, work: Coroutine[Any, Any, Any], then: Callable[[Any], None]) -> None:
        """Send a request; ``then`` hears its answer, or None if it was refused."""

        async def request() -> None:
            try:
                answer = await work
            except KeepstreamError:
                answer = None
            then(answer)

        self.server.spawn(request())

    # -- readers

    def move_reader(self) -> None:
        """Let a reader connect or read."""
        reader = self.one_of(self.readers)
        if reader.wire is None:
            if not reader.closed and self.server is not None and self.server.up:
                self._connect(reader)
            return
        if self.lot(0.6):
            reader.take(self.one_of((40, 200, 1 << 16)))
        if reader.wire.task.done() and not reader.wire.written:
            self._drop(reader)

    def cut_reader(self) -> None:
        """Break a reader's connection after some bytes."""
        reader = self.one_of(self.readers)
        if reader.wire is not None:
            reader.take(self.one_of((0, 100, 500)))
            self._drop(reader)

    def _drop(self, reader: Reader) -> None:
        wire, reader.wire = reader.wire, None
        assert wire is not None
        wire.break_off()
        if self.server is not None:
            wire.task.cancel()  # as the web server does when a connection is gone

    def _connect(self, reader: Reader) -> None:
        wire = Wire()
        reader.connect(wire)
        wire.task = self.server.spawn(self._serve(reader, wire))

    async def _serve(self, reader: Reader, wire: Wire) -> None:
        hub = self.server.hub
        wish = Wish.parse(reader.cursor, reader.types)
        try:
            async with hub.hold(SESSION, create=not wish.continues) as session:
                opening = session.open(wish)
                subscription = Counted(session, wire, opening, 10.0)
                subscription.number = reader.number
                with subscription:
                    await subscription.ended
        except NotFound:
            reader.start_anew()
        except (ConnectionError, KeepstreamError):
            pass

    # -- the end

    @property
    def over(self) -> bool:
        """Whether everything but the readers has come to its end."""
        raise NotImplementedError

    def move_on(self) -> bool:
        """Let the writing side do what it can; False if there was nothing to do."""
        raise NotImplementedError

    def settle(self) -> None:
        """Break nothing any more, and see everything come to its end."""
        if self.server is None:
            self.start_server()
        for _ in range(ROUNDS):
            self.settle_server()
            moved = self.move_on()
            self.settle_server()
            for reader in self.readers:
                if not reader.closed or reader.wire is not None:
                    moved |= self._settle_reader(reader)
            readers = all(reader.closed and reader.wire is None for reader in self.readers)
            if self.over and readers:
                return
            if not moved:
                self.pass_time()
        raise Stuck(self.stands())

    def settle_server(self) -> None:
        """Let it do all that it can do by itself."""
        loop, disk = self.server.loop, self.disk
        for _ in range(300):
            if not loop.run(REST):
                break
            waiting = disk.waiting()
            if not waiting:
                return
            for thread in waiting:
                thread.do()
                thread.tell()
        raise Stuck("the server never comes to rest")

    def _settle_reader(self, reader: Reader) -> bool:
        moved = False
        if reader.wire is None:
            self._connect(reader)
            self.settle_server()
        wire = reader.wire
        assert wire is not None
        while wire.written:
            reader.take(1 << 16)
            self.settle_server()
            moved = True
        if wire.task.done():
            self._drop(reader)
            moved = True
        return moved

    def stands(self) -> str:
        """Where it is, for who has to find out why it goes no further."""
        return f"readers {[(reader.closed, reader.cursor) for reader in self.readers]}"


COMMON: list[tuple[int, Act]] = [
    (30, World.work_disk),
    (16, World.move_reader),
    (4, World.cut_reader),
    (3, World.crash),
    (3, World.fail_disk),
    (2, World.beat),
    (2, World.back_up),
    (1, World.say_goodbye),
]


def weighed(shares: list[tuple[int, Act]]) -> list[Act]:
    """Each act as often as its weight says."""
    return [act for weight, act in shares for _ in range(weight)]

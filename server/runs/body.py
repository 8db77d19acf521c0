"""The process of one run: its start, the one stream that is believed to be its own, its end."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable

from server.records import RunRecord
from server.runs import changes
from server.runs.adoption import is_same
from server.runs.connection import Connection, Receiver
from server.runs.containment import Contained  # noqa: TC001 (not worth an import of its own kind)
from server.runs.forkserver import Started
from server.runs.house import House
from server.runs.last_words import LastWords
from server.runs.pipe import Hello
from server.runs.process import Leader, boot_id

EXIT_CODE_SECONDS = 0.75
NAME_DIGITS = 12


class Body:
    """Owns the process, the connection and the pipe for last words, and closes them together."""

    def __init__(self, record: RunRecord, house: House) -> None:
        self.buried = True  # there is no process, not yet or no more
        self.connection: Connection | None = None
        self._run = record.id
        self._house = house
        self._secret = secrets.token_urlsafe(32)
        self._secret_hash = bytes.fromhex(record.secret_hash) or _digest(self._secret)
        self._words = LastWords(house.directory / words_name(record.id, self._secret_hash))
        self._leader: Leader | None = None
        self._process: Started | None = None  # its other side, if this server has started it
        self._contained: Contained | None = None  # all that it has started
        self._doomed = False  # to be killed as soon as there is something to kill
        self._early: list[tuple[Connection, Hello]] = []

    async def launch(
        self, workflow: str, died: Callable[[], None], too_much: Callable[[], None]
    ) -> None:
        """Start the process; ``died`` is called once when it is gone.

        ``too_much`` is called once when the run has run into a limit, see :meth:`exceeded`.

        Raises UnknownWorkflow, OSError, EOFError when there cannot be one.
        """
        house = self._house
        await house.catalogue.ready()
        target = house.catalogue.find(workflow).target
        stderr = str(self._words.open().path)
        self._process = await house.forkserver.start(
            self._run, self._secret, str(house.address), target, stderr, str(house.patience)
        )
        self._leader = self._process.leader
        self._contained = house.keeper.launched(self._run, self._leader, self._process.slot)
        self._contained.watch(too_much)
        self._leader.watch(asyncio.get_running_loop(), died)
        if self._doomed:
            self.kill()

    def adopt(
        self, record: RunRecord, died: Callable[[], None], too_much: Callable[[], None]
    ) -> None:
        """Take up the process that the record names, or see that it is gone."""
        self._words.open_again()
        boot = boot_id()
        self._leader = Leader.again(record.pid, lambda seen: is_same(record, seen, boot))
        if record.boot == boot:
            self._contained = self._house.keeper.adopted(record, self._leader)
            self._contained.watch(too_much)
        self._leader.watch(asyncio.get_running_loop(), died)

    def believe(self, connection: Connection, hello: Hello) -> bool:
        """Whether this is the run's own process; anybody else is refused.

        One that is faster than the news of its pid has to wait: see :meth:`early`.
        """
        if not hmac.compare_digest(_digest(hello.secret), self._secret_hash):
            connection.refuse()
            return False
        if self._leader is None:
            self._early.append((connection, hello))
            return False
        if connection.peer != self._leader.pid:
            connection.refuse()
            return False
        self._leader.groups = True
        return True

    def attach(self, connection: Connection, receiver: Receiver) -> None:
        """Let its lines go to ``receiver``, those of an earlier stream no more."""
        if self.connection is not None:
            self.connection.drop()
        self.connection = connection
        connection.attach(receiver)

    def early(self) -> list[tuple[Connection, Hello]]:
        """Those who said hello before it was known who they are; to be asked again."""
        early, self._early = self._early, []
        return early

    def admit(self, record: RunRecord) -> RunRecord:
        """The record of a run that this process, and no other, is let start."""
        assert self._leader is not None
        return changes.admitted(record, self._leader, self._secret_hash)

    def send(self, line: bytes) -> None:
        """Write to the child, if it can be reached."""
        if self.connection is not None:
            self.connection.write(line)

    def kill(self) -> None:
        """End it, now or as soon as it exists, with everything that it has started."""
        self._doomed = True
        if self._contained is not None:
            self._contained.kill()

    def exceeded(self) -> str | None:
        """Which limit it has run into, in words, if it has."""
        return self._contained.exceeded() if self._contained is not None else None

    async def bury(self) -> tuple[int | None, bytes]:
        """The exit code of a process that is gone, where known, and its last words; closes all."""
        code = await self._exit_code(self._process) if self._process is not None else None
        words = self._words.read()
        self._words.close()
        self.let_go()
        self.buried = True
        return code, words

    async def _exit_code(self, process: Started) -> int | None:
        collecting = asyncio.create_task(self._house.forkserver.collect(process))
        # Its thread may be busy with starts: this is evidence, and the verdict does not wait.
        await asyncio.wait([collecting], timeout=EXIT_CODE_SECONDS)
        return collecting.result() if collecting.done() else None

    def let_go(self) -> None:
        """Close what is open here; the process, if it lives, goes on and finds the next server."""
        self._words.let_go()
        if self._contained is not None and self._doomed:
            self._contained.close()
        if self._leader is not None:
            self._leader.close(asyncio.get_running_loop())
        if self.connection is not None:
            self.connection.drop()
        for connection, _ in self.early():
            connection.drop()


def words_name(run: str, secret_hash: bytes) -> str:
    """The file name of a process's pipe: another process of the same run has another."""
    return f"{run}.{secret_hash.hex()[:NAME_DIGITS]}.stderr"


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

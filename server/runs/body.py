"""The process of one run: its start, the one stream that is believed to be its own, its end."""

import asyncio
import hashlib
import hmac
import platform
import secrets
from collections.abc import Callable

from msgspec.structs import replace

from server.events import now
from server.records import RunRecord
from server.runs.connection import Connection, Receiver
from server.runs.forkserver import Started
from server.runs.house import House
from server.runs.last_words import LastWords
from server.runs.pipe import Hello
from server.runs.process import boot_id

EXIT_CODE_SECONDS = 0.75


class Body:
    """Owns the process, the connection and the pipe for last words, and closes them together."""

    def __init__(self, run: str, house: House) -> None:
        self.buried = True  # there is no process, not yet or no more
        self.connection: Connection | None = None
        self._run = run
        self._house = house
        self._secret = secrets.token_urlsafe(32)
        self._words = LastWords(house.directory / f"{run}.stderr")
        self._process: Started | None = None
        self._doomed = False  # to be killed as soon as there is something to kill
        self._early: list[tuple[Connection, Hello]] = []

    async def launch(self, workflow: str, died: Callable[[], None]) -> None:
        """Start the process; ``died`` is called once when it is gone.

        Raises UnknownWorkflow, OSError, EOFError when there cannot be one.
        """
        house = self._house
        await house.catalogue.ready()
        target = house.catalogue.find(workflow).target
        stderr = str(self._words.open().path)
        self._process = await house.forkserver.start(
            self._run, self._secret, str(house.address), target, stderr
        )
        self._process.leader.watch(asyncio.get_running_loop(), died)
        if self._doomed:
            self.kill()

    def believe(self, connection: Connection, hello: Hello, receiver: Receiver) -> bool:
        """Whether this is the process that was started; then its lines go to ``receiver``.

        One that is faster than the news of its pid has to wait: see :meth:`early`.
        """
        if not hmac.compare_digest(_digest(hello.secret), _digest(self._secret)):
            return self._refuse(connection)
        if self._process is None:
            self._early.append((connection, hello))
            return False
        if self.connection is not None or connection.peer != self._process.leader.pid:
            return self._refuse(connection)
        self._process.leader.groups = True
        self.connection = connection
        connection.attach(receiver)
        return True

    def early(self) -> list[tuple[Connection, Hello]]:
        """Those who said hello before it was known who they are; to be asked again."""
        early, self._early = self._early, []
        return early

    @staticmethod
    def _refuse(connection: Connection) -> bool:
        connection.refuse()
        return False

    def admit(self, record: RunRecord) -> RunRecord:
        """The record of a run that this process, and no other, is let start."""
        assert self._process is not None
        leader = self._process.leader
        return replace(
            record,
            state="running",
            started=now(),
            node=platform.node(),
            pid=leader.pid,
            pid_started=leader.started,
            boot=boot_id(),
            secret_hash=_digest(self._secret).hex(),
            start_given=True,
        )

    def send(self, line: bytes) -> None:
        """Write to the child, if it can be reached."""
        if self.connection is not None:
            self.connection.write(line)

    def kill(self) -> None:
        """End it, now or as soon as it exists, with what is left of its group."""
        self._doomed = True
        if self._process is not None:
            self._process.leader.kill()

    async def bury(self) -> tuple[int | None, bytes]:
        """The exit code of a process that is gone, where known, and its last words; closes all."""
        code = await self._exit_code(self._process) if self._process is not None else None
        words = self._words.read()
        self.close()
        self.buried = True
        return code, words

    async def _exit_code(self, process: Started) -> int | None:
        collecting = asyncio.create_task(self._house.forkserver.collect(process))
        # Its thread may be busy with starts: this is evidence, and the verdict does not wait.
        await asyncio.wait([collecting], timeout=EXIT_CODE_SECONDS)
        return collecting.result() if collecting.done() else None

    def close(self) -> None:
        """Let go of everything that is open; a process that still runs is left to itself."""
        self._words.close()
        if self._process is not None:
            self._process.leader.close(asyncio.get_running_loop())
        if self.connection is not None:
            self.connection.close()
        for connection, _ in self.early():
            connection.refuse()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

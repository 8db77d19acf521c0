"""The whole road: requests, runs, processes with their pipes, the log, and readers."""

from collections.abc import Callable, Coroutine
from typing import Any

from server.runs.forkserver import Started
from server.sessions.admission import RunRequest
from tests.model.disk import Disk
from tests.model.edges import Leader
from tests.model.process import Process
from tests.model.promises import judge_road
from tests.model.server import RoadServer
from tests.model.world import COMMON, SESSION, World, weighed

ENDS = ("complete", "complete", "complete", "error", "crash", "wait")


class Road(World):
    """Runs in processes; the seed kills server and processes, and cuts what connects them."""

    kind = RoadServer

    def __init__(self, seed: int, disk: Disk) -> None:
        super().__init__(seed, disk)
        self.wanted = 2 if self.lot(0.15) else 1  # runs
        self.accepted: dict[str, str] = {}  # key → run, as a client was told
        self.answered: dict[tuple[str, str], int] = {}  # likewise: run, request → value
        self.cancelled: set[str] = set()  # likewise
        self.to_be_cancelled: set[str] = set()  # that a client has asked for
        self.hurried = False  # time has passed that a run may have needed
        self._programs: dict[str, list[str]] = {}
        self._asking_for: str | None = None
        self._answering = False

    def judge(self) -> list[str]:  # noqa: D102
        return judge_road(self)

    def kill_server(self) -> None:  # noqa: D102
        super().kill_server()
        self._asking_for = None
        self._answering = False
        for process in self.processes.values():
            process.died = None
            if process.pipe is not None:
                process.broken = True
                process.pipe.cut_off()

    def restore(self) -> None:
        """Go back to the copy; it is of another machine, and what clients were told is void."""
        self.kill_process()
        self.accepted.clear()
        self.answered.clear()
        self.cancelled.clear()
        super().restore()

    def hurry(self) -> None:
        """Let time pass, though somebody may need it."""
        self.hurried = True
        self.pass_time()

    # -- processes

    def fork(self) -> None:
        """Start a process that was asked for."""
        if self.server is not None and self.server.starting:
            future, (run, secret, *_) = self.server.starting.pop(0)
            if not future.done():
                pid = 100 + len(self.processes)
                process = self.processes[pid] = Process(pid, run, secret, self._program(run))
                process.generation = self.restores
                leader: Any = Leader(pid)
                future.set_result(Started(leader, process))

    def _program(self, run: str) -> list[str]:
        if run not in self._programs:
            length = int(self.random.random() * 8)
            words = ["emit" if self.lot(0.6) else "ask" for _ in range(length)]
            self._programs[run] = [*words, self.one_of(ENDS)]
        return self._programs[run]

    def run_process(self) -> None:
        """Let user code go on."""
        self.fork()
        for process in self.processes.values():
            if process.alive and not process.waits:
                process.go_on()

    def run_listener(self) -> None:
        """Connect a process, or let its listener look at the socket."""
        for process in self.processes.values():
            if process.alive:
                self._listen(process)

    def _listen(self, process: Process) -> bool:
        if process.pipe is not None:
            heard = process.hears
            if heard:
                process.listen()
            return heard
        if self.server is not None and self.server.listening:
            process.connect(self.server.knock(process))
            return True
        return False

    def carry_up(self) -> None:
        """Bring bytes of a process to the server."""
        size = self.one_of((20, 100, 300, 1 << 16))
        for process in self.processes.values():
            self._carry(process, size)

    def _carry(self, process: Process, size: int) -> bool:
        pipe = process.pipe
        if pipe is None or self.server is None or not pipe.far.readable:
            return False
        pipe.far.read(size)
        return True

    def cut_pipe(self) -> None:
        """Break the connection of a process."""
        for process in self.processes.values():
            if process.pipe is not None and process.alive:
                process.broken = True
                process.pipe.cut_off()

    def go_on(self) -> None:
        """Let everybody do a little of what is due."""
        self.run_process()
        self.run_listener()
        self.carry_up()
        self.work_disk()

    def flap(self) -> None:
        """Break the connection of a process after it has listened, and have it come again."""
        self.run_listener()
        self.cut_pipe()
        self.run_listener()
        self.run_listener()

    def kill_process(self) -> None:
        """Kill a process, as the kernel does when memory is short."""
        for process in self.processes.values():
            process.murdered = True
            process.kill()

    # -- clients

    def ask_for_run(self) -> None:
        """Start a run: with the same key until there is an answer."""
        ready = self.server is not None and self.server.up and self._asking_for is None
        if not ready or len(self.accepted) == self.wanted:
            return
        key = self._asking_for = f"k{len(self.accepted)}"
        request = RunRequest(workflow="w", input={"key": key}, session=SESSION, labels={}, key=key)
        self.ask(self.server.admission.start(request), self._accepted)

    def _accepted(self, record: Any) -> None:
        key, self._asking_for = self._asking_for, None
        if record is not None and key is not None:
            self.accepted[key] = record.id

    def cancel(self) -> None:
        """Ask for the end of a run."""
        if self.server is not None and self.server.up and self.accepted:
            run = list(self.accepted.values())[-1]
            self.to_be_cancelled.add(run)
            self.ask(self.server.admission.cancel(run), lambda done: self._was_cancelled(run, done))

    def _was_cancelled(self, run: str, done: object) -> None:
        if done is not None:
            self.cancelled.add(run)

    def answer(self) -> None:
        """Answer what a run asks for."""
        if self.server is None or not self.server.up or self._answering:
            return
        for record in self.server.runs.active():
            for request in record.asking:
                self._answering = True
                value = 1000 + int(self.random.random() * 1000)
                work = self.server.admission.answer(record.id, request, value)
                self.ask(_true(work), self._noting(record.id, request, value))
                return

    def _noting(self, run: str, request: str, value: int) -> Callable[[object], None]:
        def note(done: object) -> None:
            self._answering = False
            if done is not None:
                if (run, request) in self.answered:
                    self.failures.append(f"two answers to {request} were accepted")
                self.answered[run, request] = value

        return note

    def warm_up(self, far: int) -> None:
        """Accept a run, start it, and have it say something."""
        if far == 0:
            return
        self.settle_server()
        self.ask_for_run()
        self.settle_server()
        for _ in range(far - 1):
            self.run_process()
            self.run_listener()
            self.carry_up()
            self.settle_server()
            self.run_listener()
            if self.lot(0.5):
                self.answer()

    # -- the end

    @property
    def over(self) -> bool:  # noqa: D102
        alive = any(process.alive for process in self.processes.values())
        return len(self.accepted) == self.wanted and not alive and not self.server.runs.active()

    def move_on(self) -> bool:  # noqa: D102
        moved = False
        if len(self.accepted) < self.wanted and self._asking_for is None:
            self.ask_for_run()
        self.answer()
        for process in self.processes.values():
            if process.only_waits and process.run not in self.cancelled:
                self.cancel()
        self.settle_server()
        while self.server.starting:
            self.fork()
            moved = True
        for _ in range(20):
            if not self._move_processes():
                break
            moved = True
            self.settle_server()
        return moved

    def _move_processes(self) -> bool:
        moved = False
        for process in self.processes.values():
            while process.alive and not process.waits and process.go_on():
                moved = True
            moved |= process.alive and self._listen(process)
            moved |= self._carry(process, 1 << 16)
        return moved

    def stands(self) -> str:  # noqa: D102
        runs = list(self.server.runs.active()) if self.server.up else "not up"
        processes = [
            (each.alive, each.began, each.outcome, each.pipe is not None, each.asking)
            for each in self.processes.values()
        ]
        return f"runs {runs}, processes {processes}, {super().stands()}"


async def _true(work: Coroutine[Any, Any, Any]) -> bool:
    await work
    return True


Road.acts = weighed(
    [
        *COMMON,
        (20, Road.go_on),
        (10, Road.run_process),
        (12, Road.run_listener),
        (12, Road.carry_up),
        (5, Road.ask_for_run),
        (2, Road.cut_pipe),
        (6, Road.flap),
        (1, Road.cancel),
        (2, Road.hurry),
        (10, Road.answer),
        (1, Road.kill_process),
    ]
)

"""One real server under control: started, killed, stopped, continued, started again on its data."""

import asyncio
import contextlib
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from chaos import proc

ROOT = Path(__file__).parents[1]
READY_SECONDS = 60.0
GONE_SECONDS = 30.0
TOKEN = "KEEPSTREAM_CHAOS"
#: Below the ephemeral range: a client that connects to a port of that range while nobody listens
#: there may be given the very same port for its own end, and so be connected with itself.
PORTS = range(20_000, 30_000)


class Server:
    """``python -m server`` with a ``DATA_DIR`` and a port that stay the same over all its lives."""

    def __init__(
        self,
        data_dir: Path,
        settings: Mapping[str, object],
        *,
        host: str = "127.0.0.1",
        wrapper: Sequence[str] = (),
    ) -> None:
        """``wrapper`` is a command that execs what follows it, as ``ip netns exec NAME`` does."""
        self.data_dir = data_dir
        self.host = host
        self.port = free_port(host)
        self.token = secrets.token_hex(16)
        self.settings = dict(settings)
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.lives = 0
        self._wrapper = wrapper
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process of this life, or the last one."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is there, stopped processes included."""
        return self._process is not None and self._process.poll() is None

    async def start(self, **settings: object) -> float:
        """Begin a life, with settings for this one; return the seconds until it was ready.

        Raises RuntimeError with the end of its log when it ends instead, or does not get ready.
        """
        began = time.monotonic()
        self.spawn(**settings)
        await self.ready()
        return time.monotonic() - began

    def spawn(self, **settings: object) -> None:
        """Begin a life without waiting for it."""
        assert not self.running
        environment: dict[str, object] = {
            "PATH": os.environ["PATH"],
            "HOME": self.data_dir.parent,
            "HOST": self.host,
            "PORT": self.port,
            "DATA_DIR": self.data_dir,
            "WORKFLOWS": "chaos.flows",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "warning",
            TOKEN: self.token,
        }
        environment |= self.settings | settings
        self.lives += 1
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(
                [*self._wrapper, sys.executable, "-m", "server"],
                cwd=ROOT,
                env={name: str(value) for name, value in environment.items()},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    async def ready(self) -> None:
        """Wait until ``/health/ready`` says so; raises RuntimeError as :meth:`start` does."""
        deadline = time.monotonic() + READY_SECONDS
        async with aiohttp.ClientSession() as client:
            while self.running and time.monotonic() < deadline:
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    one = aiohttp.ClientTimeout(total=5)
                    async with client.get(f"{self.url}/health/ready", timeout=one) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.01)
        raise RuntimeError(f"the server is not ready:\n{self.said()}")

    def kill(self) -> None:
        """SIGKILL to the server alone, and wait for its end."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def terminate(self) -> tuple[int, float]:
        """SIGTERM; return its exit code and how many seconds it took to leave."""
        assert self._process is not None
        began = time.monotonic()
        self._process.terminate()
        code = await self.gone()
        return code, time.monotonic() - began

    async def gone(self, within: float = GONE_SECONDS) -> int:
        """Wait for its end; the exit code, negative for a signal. Raises TimeoutError."""
        assert self._process is not None
        async with asyncio.timeout(within):
            while (code := self._process.poll()) is None:
                await asyncio.sleep(0.005)
        return code

    def freeze(self) -> None:
        """SIGSTOP to the server alone."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def fork_server(self) -> int | None:
        """The pid of its fork server, once it has one."""
        for pid in proc.children(self.pid):
            if "forkserver" in proc.command(pid):
                return pid
        return None

    def stands_by(self) -> bool:
        """Whether a process waits for the next run, and no run has one."""
        waiting = proc.children(self.fork_server() or 0)
        held = [proc.descriptors(each) for each in waiting]
        # A run's has a socket to the server, and one that is going has nothing.
        return len(held) == 1 and bool(held[0]) and "socket" not in held[0]

    def descriptors(self) -> list[str]:
        """What its open descriptors point to."""
        return proc.descriptors(self.pid)

    def resident(self) -> int:
        """Bytes of its memory."""
        return proc.resident(self.pid)

    def processes(self) -> set[int]:
        """Every living process that came from any of its lives, itself included."""
        return proc.marked(self.token)

    def said(self, size: int = 4000) -> str:
        """The end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return text[-size:]

    def strays(self) -> list[str]:
        """Lines of its log that are no log lines, such as a trace that nobody took."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [line for line in lines if not line.startswith('{"')]

    def destroy(self) -> None:
        """SIGKILL to everything that came from it."""
        if self.running:
            self.kill()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody has, and that the kernel gives to no client."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port

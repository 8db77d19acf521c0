"""What a module says about its workflows, asked in an interpreter that is thrown away.

Importing a workflow's module runs its author's code, which may hang, exit, crash or print without
end. None of it happens in the server.
"""

import asyncio
import contextlib
import os
import signal
import sys
from typing import Any

import msgspec

from server.runs.process import Leader

OUTPUT_LIMIT = 4 << 20  # bytes of an answer
STDERR_TAIL = 2000  # characters of what a failed import printed
NICE = 5  # runs and readers that come back after a restart go first, but not for ever


class Found(msgspec.Struct):
    """One workflow of a module; ``timeout`` in seconds, ``target`` as ``module:attribute``."""

    name: str
    target: str
    description: str = ""
    schema: dict[str, Any] = msgspec.field(default_factory=dict)
    timeout: float | None = None
    error: str | None = None


class Answer(msgspec.Struct):
    """What a module holds, or why that cannot be known."""

    module: str
    workflows: list[Found] = msgspec.field(default_factory=list)
    error: str | None = None
    threads: int = 0  # that live on after the import
    printed: bool = False  # while it was imported

    @property
    def preloads(self) -> bool:
        """Whether a fork server may import it.

        A fork would lose its threads but not their locks, and what it prints would stand between
        the server's own log lines: a fork server writes where its server does.
        """
        return bool(self.workflows) and not self.error and not self.threads and not self.printed


async def ask(module: str, limit: float) -> Answer:
    """Import ``module`` elsewhere, in at most ``limit`` seconds. Never raises for its faults."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "workflows.runtime.probe", module),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Not in a session of its own: Linux may give each session an equal share of the processor,
        # and what is nice is so to its own session alone (sched(7), autogroup).
        process_group=0,
    )
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    assert process.stdout is not None
    assert process.stderr is not None
    said = asyncio.gather(_read(process.stdout, keep_end=False), _read(process.stderr))
    try:
        async with asyncio.timeout(limit):
            await _gone(process.pid)
    except TimeoutError:
        return Answer(module, error=f"its import took longer than {limit:g} s")
    finally:
        # With whatever it has started, which may hold its streams open.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = await said
        code = await process.wait()
    return _read_answer(module, stdout, stderr, code)


async def _gone(pid: int) -> None:
    """Wait for this process alone; asyncio would wait for whoever holds its streams, too."""
    gone = asyncio.Event()
    leader = Leader(pid)
    loop = asyncio.get_running_loop()
    leader.watch(loop, gone.set)
    try:
        await gone.wait()
    finally:
        leader.close(loop)


async def _read(stream: asyncio.StreamReader, *, keep_end: bool = True) -> bytes:
    """All of it is taken, so that nobody blocks on it; a bounded part is kept."""
    kept = b""
    while piece := await stream.read(1 << 16):
        kept += piece
        kept = kept[-STDERR_TAIL:] if keep_end else kept[: OUTPUT_LIMIT + 1]
    return kept


def _read_answer(module: str, stdout: bytes, stderr: bytes, code: int) -> Answer:
    try:
        answer = msgspec.json.decode(stdout, type=Answer)
    except msgspec.MsgspecError:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        words = stderr.decode(errors="replace").strip()
        return Answer(module, error=f"its import ended the interpreter ({how}). {words}".strip())
    answer.printed = bool(stderr)
    return answer

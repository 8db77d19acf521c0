"""What modules say about their workflows, asked in processes that are thrown away.

Importing a workflow's module runs its author's code, which may hang, exit, crash or print without
end. None of it happens in the server.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

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


async def ask(modules: Sequence[str], limit: float) -> list[Answer]:
    """Import modules elsewhere, each in at most ``limit`` seconds. Never raises for their faults.

    The answers come in the order of ``modules``.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "workflows.runtime.prober", str(limit), *modules),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Not in a session of its own: Linux may give each session an equal share of the processor,
        # and what is nice is so to its own session alone (sched(7), autogroup).
        process_group=0,
    )
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        lines, words = await asyncio.gather(process.stdout.read(), process.stderr.read())
    finally:
        process.stdin.close()  # it leaves, with all that it has under way
        code = await process.wait()
    given = {answer.module: answer for answer in _answers(lines)}
    said = words.decode(errors="replace").strip()
    error = f"the process that was to import it has ended ({code}). {said}".strip()
    return [given.get(module) or Answer(module, error=error) for module in modules]


def _answers(lines: bytes) -> Iterator[Answer]:
    """Those that are whole, and that no module has forged."""
    for line in lines.splitlines():
        with contextlib.suppress(msgspec.MsgspecError):
            yield msgspec.json.decode(line, type=Answer)

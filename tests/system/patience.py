"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

# How long a condition may take on a machine that does other things too. It is only ever spent
# by a test that fails; no test passes because it ran out.
PATIENCE = 30.0

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """Return the first true value of `condition`; AssertionError after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain: {what}"
        time.sleep(0.01)
    return value


async def eventually(
    condition: Callable[[], Awaitable[T]], what: str, patience: float = PATIENCE
) -> T:
    """Return the first true value that `condition` resolves to; AssertionError after `patience`."""
    deadline = time.monotonic() + patience
    while not (value := await condition()):
        assert time.monotonic() < deadline, f"waited {patience:.0f} s in vain: {what}"
        await asyncio.sleep(0.01)
    return value

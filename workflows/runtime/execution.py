"""Calling the workflow's function, and what became of it: the body of the run's outcome."""

import asyncio
import importlib
import inspect
import os
from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from typing import Any

import msgspec

from workflows.runtime import pipe
from workflows.runtime.checking import check
from workflows.runtime.context import Context
from workflows.runtime.failure import describe, trace, wanted_memory
from workflows.runtime.inbox import Inbox
from workflows.runtime.registration import registration_of
from workflows.runtime.signature import arguments

_INSIDE_RESULT = 2  # objects around a result where readers see it: the event and its data


def execute(target: str, given: msgspec.Raw, ctx: Context, inbox: Inbox) -> bytes:
    """Run the workflow `package.module:attribute` and return the body of its outcome.

    A value returned completes the run, whatever was asked for in the meantime. A stop that came
    before the first step, that passed through as asyncio.CancelledError, or that was seen by
    `ctx.cancelled` and answered by returning nothing, cancels it. Everything else is an error,
    SystemExit and KeyboardInterrupt included. Only in a process forked from the run's does this
    raise: what the workflow's code raised there.
    """
    home = os.getpid()
    try:
        call = _load(target, given)
        if inbox.stopped:
            return pipe.CANCELLED
        return _outcome(call(ctx, inbox), inbox)
    except BaseException as error:
        if os.getpid() != home:
            raise
        if isinstance(error, asyncio.CancelledError) and inbox.stopped:
            return pipe.CANCELLED
        code = "limit_exceeded" if wanted_memory(error) else "workflow_error"
        return pipe.failed(code, describe(error), {"traceback": trace(error)})


def _outcome(result: object, inbox: Inbox) -> bytes:
    if result is None and inbox.stop_noticed:
        return pipe.CANCELLED
    check(result, "result", inside=_INSIDE_RESULT)
    return pipe.completed(result)


def _load(target: str, given: msgspec.Raw) -> Callable[[Context, Inbox], object]:
    module, _, attribute = target.partition(":")
    function = reduce(getattr, attribute.split("."), importlib.import_module(module))
    registration = registration_of(function)
    if registration is None or not callable(function):
        raise TypeError(f"{target} is not a workflow: it lacks the decorator")
    inputs = arguments(registration.input, given)
    if inspect.iscoroutinefunction(function):
        return lambda ctx, inbox: asyncio.run(_as_task(function, ctx, inputs, inbox))
    return lambda ctx, _inbox: function(ctx, **inputs)


async def _as_task(
    function: Callable[..., Any], ctx: Context, inputs: dict[str, Any], inbox: Inbox
) -> object:
    """Run in the loop's main task, which a stop cancels, once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def cancel() -> None:
        with suppress(RuntimeError):  # the loop has been closed: the task is over
            loop.call_soon_threadsafe(task.cancel)

    inbox.on_stop(cancel)
    return await function(ctx, **inputs)

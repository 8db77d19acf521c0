"""An exception in words: what a run's readers are told of it."""

import errno
import resource
import traceback
from collections.abc import Iterator
from types import TracebackType

_MESSAGE_BYTES = 8 << 10
_TRACEBACK_BYTES = 8 << 10


def describe(error: BaseException) -> str:
    """Return `Type: text`, 8 KiB of it at most."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (an exception's own code may fail in any way)
        text = "(its text cannot be had)"
    kind = type(error).__qualname__
    whole = f"{kind}: {text}" if text else kind
    return _utf8(whole)[:_MESSAGE_BYTES].decode("utf-8", "ignore")


def trace(error: BaseException) -> str:
    """Return the last 8 KiB of the traceback, which begins at the workflow's own code."""
    lines = traceback.format_exception(type(error), error, _skip_ours(error.__traceback__))
    return _utf8("".join(lines))[-_TRACEBACK_BYTES:].decode("utf-8", "ignore")


def wanted_memory(error: BaseException) -> bool:
    """Whether it comes from the bound on the run's memory, see :mod:`.belonging`.

    If so the bound is lifted: there is memory to say it with.
    """
    bound, most = resource.getrlimit(resource.RLIMIT_DATA)
    if bound == most or not any(_is_refusal(each) for each in _family(error)):
        return False
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    return True


def _is_refusal(error: BaseException) -> bool:
    refused = isinstance(error, OSError) and error.errno == errno.ENOMEM
    return refused or isinstance(error, MemoryError)


def _family(error: BaseException) -> Iterator[BaseException]:
    """Yield it, what it was raised from, and those in groups."""
    waiting, met = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in met:
            continue
        met.add(id(each))
        yield each
        inside = each.exceptions if isinstance(each, BaseExceptionGroup) else ()
        waiting += [one for one in (each.__cause__, each.__context__, *inside) if one is not None]


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _skip_ours(whole: TracebackType | None) -> TracebackType | None:
    frame = whole
    while frame is not None:
        module = str(frame.tb_frame.f_globals.get("__name__", ""))
        if not module.startswith(("workflows.runtime.", "asyncio.")):
            return frame
        frame = frame.tb_next
    return whole

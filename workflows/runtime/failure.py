"""An exception in words: what a run's readers are told of it."""

import traceback
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

"""What a module says about its workflows. To know it, it is imported: that runs foreign code.

    {"module": …, "workflows": [{"name", "description", "schema", "timeout", "target"}, …],
     "threads": 0, "error"?: "Type: text (file, line)"}

`target` is `module:attribute`, `timeout` seconds or null, `threads` the number of Python threads
besides the main one that the import has left running. A module that does not import has an `error`
and no workflows.
"""

import importlib
import sys
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from workflows.runtime.failure import describe
from workflows.runtime.registration import registration_of
from workflows.runtime.signature import schema


def probe(name: str) -> dict[str, Any]:
    """Import a module and describe it. Its exit is an error as any other."""
    found: dict[str, Any] = {"module": name, "workflows": []}
    try:
        module = importlib.import_module(name)
        found["workflows"] = list(_workflows(module))
    except BaseException as error:  # noqa: BLE001 (SystemExit too: it is the module's, not ours)
        found["error"] = describe(error) + _place(error)
    # Python's threads only: those of numeric libraries survive a fork by hooks of their own.
    found["threads"] = len(sys._current_frames()) - 1
    return found


def _workflows(module: ModuleType) -> Iterator[dict[str, Any]]:
    """The workflows that the module defines itself; imported ones are found where they are from."""
    for attribute, value in vars(module).copy().items():
        registration = registration_of(value)
        if registration is None or value.__module__ != module.__name__:
            continue
        yield {
            "name": registration.name,
            "description": registration.description,
            "schema": schema(registration.input),
            "timeout": registration.timeout,
            "target": f"{module.__name__}:{attribute}",
        }


def _place(error: BaseException) -> str:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""

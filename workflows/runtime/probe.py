"""Tell which workflows a module has: `python -m workflows.runtime.probe MODULE`.

Prints one JSON object on one line:

    {"module": …, "workflows": [{"name", "description", "schema", "timeout", "target"}, …],
     "threads": 0, "error"?: "Type: text (file, line)"}

`target` is `module:attribute`, `timeout` seconds or null, `threads` the number of Python threads
besides the main one that the import has left running. A module that does not import has an `error`
and no workflows. Importing runs foreign code, which may do anything: what it prints goes to stderr,
its exit is an error as any other. What hangs or kills the interpreter is for the caller to notice.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import msgspec

from workflows.runtime.failure import describe
from workflows.runtime.registration import registration_of
from workflows.runtime.signature import schema


def probe(name: str) -> dict[str, Any]:
    """Import a module and describe it."""
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


def main() -> None:
    """Print what `probe` finds, and leave without running anything that the module left behind."""
    answer = os.dup(1)
    os.dup2(2, 1)
    text = msgspec.json.encode(probe(sys.argv[1])) + b"\n"
    while text:
        text = text[os.write(answer, text) :]
    os._exit(0)


if __name__ == "__main__":
    main()

"""The probe tells the truth about a module, whatever the module does."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

GOOD = '''
from workflows import Context, workflow
from other import borrowed

@workflow
def first(ctx: Context, n: int = 1) -> None:
    """The first.

    More.
    """

@workflow(name="second-one", timeout=5)
async def second(ctx: Context) -> None: ...
'''

HOSTILE: dict[str, tuple[str, str]] = {
    "raises": ("raise LookupError('boom')", "LookupError: boom ("),
    "exits": ("import sys; sys.exit(0)", "SystemExit: 0 ("),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt ("),
    "is no Python": ("def (", "SyntaxError: "),
    "imports what is not there": ("import nowhere", "ModuleNotFoundError: No module named"),
    "refused": (
        "from workflows import workflow\n@workflow\ndef w(topic: str): ...",
        "TypeError: w cannot be a workflow: the first parameter must be the Context",
    ),
}


def probe(folder: Path, code: str, name: str = "probed") -> dict[str, Any]:
    """Probe a module with this code."""
    (folder / "probed.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "-m", "workflows.runtime.probe", name],
        env=os.environ | {"PYTHONPATH": f"{folder}:{Path.cwd()}"},
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = msgspec.json.decode(done.stdout)
    assert found["module"] == name
    return found


def test_workflows_of_a_module(tmp_path: Path) -> None:
    """Each workflow that the module itself defines is described; imported ones are not."""
    (tmp_path / "other.py").write_text(
        "from workflows import workflow\n@workflow\ndef borrowed(ctx): ..."
    )
    assert probe(tmp_path, GOOD) == {
        "module": "probed",
        "threads": 0,
        "workflows": [
            {
                "name": "first",
                "description": "The first.",
                "schema": {
                    "title": "first",
                    "type": "object",
                    "properties": {"n": {"type": "integer", "default": 1}},
                    "required": [],
                    "additionalProperties": False,
                },
                "timeout": None,
                "target": "probed:first",
            },
            {
                "name": "second-one",
                "description": "",
                "schema": {
                    "title": "second-one",
                    "type": "object",
                    "properties": {},
                    "required": [],
                    "additionalProperties": False,
                },
                "timeout": 5,
                "target": "probed:second",
            },
        ],
    }


@pytest.mark.parametrize("case", HOSTILE)
def test_failing_imports(tmp_path: Path, case: str) -> None:
    """A module that does not import is an error with its reason, and has no workflows."""
    code, error = HOSTILE[case]
    found = probe(tmp_path, code)
    assert found["error"].startswith(error)
    assert found["workflows"] == []


def test_noise_does_not_reach_the_answer(tmp_path: Path) -> None:
    """What a module prints, in any way, at import or at exit, is not on stdout."""
    noisy = (
        "import atexit, os, subprocess\nprint('noise')\nos.write(1, b'noise')\n"
        "subprocess.run(['echo', 'noise'])\natexit.register(print, 'noise')\nprint('x', end='')"
    )
    assert probe(tmp_path, noisy) == {"module": "probed", "workflows": [], "threads": 0}


def test_threads_are_counted(tmp_path: Path) -> None:
    """Threads that an import leaves running are told, and do not keep the probe from ending."""
    threaded = (
        "import threading\n"
        "for daemon in (True, False):\n"
        "    threading.Thread(target=threading.Event().wait, daemon=daemon).start()\n"
    )
    assert probe(tmp_path, threaded)["threads"] == 2


def test_own_package(tmp_path: Path) -> None:
    """The package of the SDK is a module without workflows, `echo` one with a single one."""
    assert probe(tmp_path, "", name="workflows")["workflows"] == []
    (echo,) = probe(tmp_path, "", name="workflows.echo")["workflows"]
    assert (echo["name"], echo["target"]) == ("echo", "workflows.echo:echo")

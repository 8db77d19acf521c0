"""The probe tells the truth about a module, whatever the module does."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def prober(folder: Path, *modules: str) -> Iterator[subprocess.Popen[bytes]]:
    """Look at modules of a folder, in 60 seconds each."""
    with subprocess.Popen(
        [sys.executable, "-m", "workflows.runtime.prober", "60", *modules],
        env=os.environ | {"PYTHONPATH": f"{folder}:{Path.cwd()}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        yield process


def probe(folder: Path, code: str, name: str = "probed") -> dict[str, Any]:
    """Look at a module with this code."""
    (folder / "probed.py").write_text(code)
    with prober(folder, name) as process:
        assert process.stdout is not None
        found: dict[str, Any] = msgspec.json.decode(process.stdout.read())
    assert process.returncode == 0
    assert found.pop("module") == name
    return found


def test_workflows_of_a_module(tmp_path: Path) -> None:
    """Each workflow that the module itself defines is described; imported ones are not."""
    (tmp_path / "other.py").write_text(
        "from workflows import workflow\n@workflow\ndef borrowed(ctx): ..."
    )
    assert probe(tmp_path, GOOD) == {
        "printed": False,
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
    """What a module prints, in any way, at import or at exit, is told of and not in the answer."""
    noisy = (
        "import atexit, os, subprocess\nprint('noise')\nos.write(1, b'noise')\n"
        "subprocess.run(['echo', 'noise'])\natexit.register(print, 'noise')\nprint('x', end='')"
    )
    assert probe(tmp_path, noisy) == {"workflows": [], "threads": 0, "printed": True}


def test_what_is_still_in_a_buffer_is_printed(tmp_path: Path) -> None:
    """A fork server would print it later, when nobody expects it."""
    assert probe(tmp_path, "print('x', end='')")["printed"]
    assert probe(tmp_path, "import sys\nsys.stdout = None")["printed"] is False


def test_each_import_is_alone(tmp_path: Path) -> None:
    """What a module does to its interpreter is not there for the next, nor is what it has open."""
    names = [f"m{number}" for number in range(5)]
    for name in names:
        (tmp_path / f"{name}.py").write_text(
            "import os, sys\nassert not hasattr(sys, 'mark')\nsys.mark = 1\n"
            "assert len(os.listdir('/proc/self/fd')) == 5  # with the answer's, and the listing's\n"
        )
    with prober(tmp_path, *names) as process:
        assert process.stdout is not None
        answers = [msgspec.json.decode(line) for line in process.stdout]
    assert sorted(each["module"] for each in answers) == names
    assert not [each["error"] for each in answers if "error" in each]


def test_many_modules_cost_little_more_than_one(tmp_path: Path) -> None:
    """What is the same for all of them is done once."""
    names = [f"m{number}" for number in range(10)]
    for name in names:
        (tmp_path / f"{name}.py").write_text("from workflows import workflow")

    def cost(modules: list[str]) -> float:
        before = os.times()
        with prober(tmp_path, *modules) as process:
            assert process.stdout is not None
            assert len(process.stdout.readlines()) == len(modules)
        after = os.times()
        return after.children_user + after.children_system - sum(before[2:4])

    costs = [(cost(names), cost(names[:1])) for _ in range(5)]
    many, one = (min(each) for each in zip(*costs, strict=True))
    assert many < 2 * one, costs


LEAVES = "import subprocess\nsubprocess.Popen(['sleep', '600'], stdout=open({!r}, 'w'))\n"
ENDLESS = "import time\nheld = open({!r}, 'w')\ntime.sleep(600)\n"


def _wait(process: subprocess.Popen[bytes]) -> None:
    process.wait()


def _lose_interest(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize(
    ("code", "then", "answers"),
    [(LEAVES, _wait, 1), (ENDLESS, _lose_interest, 0), (ENDLESS, subprocess.Popen.kill, 0)],
    ids=["what it has started", "nobody waits any more", "who looks dies"],
)
def test_nothing_of_an_import_is_left(
    tmp_path: Path, code: str, then: Callable[[subprocess.Popen[bytes]], None], answers: int
) -> None:
    """Neither what it has started, nor itself when nobody waits for its answer, or can take it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "probed.py").write_text(code.format(str(fifo)))
    with prober(tmp_path, "probed") as process, fifo.open("rb") as held:
        assert process.stdout is not None
        then(process)
        assert held.read() == b""  # comes when nobody has it
        assert len(process.stdout.readlines()) == answers


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

"""The catalogue finds workflows without importing them, whatever their modules do."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.errors import InvalidInput, UnknownWorkflow
from server.runs import Catalogue
from server.runs.discovery import modules

MODULES = {
    "__init__": "from flows.good import good\n",
    "good": (
        "from workflows import workflow\n"
        "@workflow\n"
        "def good(ctx, topic: str, rounds: int = 2, tags: list[str] = ()) -> str:\n"
        '    """Looks something up.\n\n    At length."""\n'
        "@workflow(name='second', timeout=5)\n"
        "async def other(ctx): ...\n"
    ),
    "twin_a": "from workflows import workflow\n@workflow\ndef twin(ctx): ...\n",
    "twin_b": "from workflows import workflow\n@workflow\ndef twin(ctx): ...\n",
    "broken": "def (\n",
    "raises": "raise LookupError('no key')\n",
    "exits": "import sys\nsys.exit('not today')\n",
    "vanishes": "import os, sys\nprint('so long', file=sys.stderr, flush=True)\nos._exit(0)\n",
    "crashes": "import ctypes\nctypes.string_at(0)\n",
    "talks": (
        'from workflows import workflow\nprint(\'{"module": "forged"}\', flush=True)\n'
        "@workflow\ndef talks(ctx): ...\n"
    ),
    "forges": "import os\nos.write(3, b'1')\nos.kill(os.getpid(), 9)\n",
    "forges_more": "import os\nos.write(3, b'{\"threads\": []}')\nos._exit(0)\n",
    "threads": (
        "import threading, time\nfrom workflows import workflow\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
        "@workflow\ndef threaded(ctx): ...\n"
    ),
    "leaves": (
        "import subprocess\nfrom workflows import workflow\n"
        "subprocess.Popen(['sleep', '600'])\n@workflow\ndef leaves(ctx): ...\n"
    ),
    "empty": "",
    "__main__": "raise SystemExit\n",
}


def _write(folder: Path, package: str, modules: dict[str, str]) -> None:
    (folder / package).mkdir()
    for name, text in modules.items():
        (folder / package / f"{name}.py").write_text(text)


@pytest.fixture(scope="module")
def flows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Packages with every kind of module."""
    folder = tmp_path_factory.mktemp("packages")
    _write(folder, "flows", MODULES)
    _write(folder, "endless", {"__init__": "while True: print('x' * 10_000)\n"})
    _write(folder, "deadly", {"__init__": "import os\nos.kill(os.getppid(), 9)\n"})
    _write(folder, "polite", {"__init__": "import os\nwhile not os.nice(0): pass\n"})
    sub = folder / "flows" / "sub"
    (sub / "deep").mkdir(parents=True)
    (sub / "__init__.py").write_text(
        "from workflows import workflow\n@workflow\ndef sub(ctx): ...\n"
    )
    (sub / "deep" / "__init__.py").write_text("raise SystemExit\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder))
        yield


@pytest.fixture(scope="module")
def catalogue(flows: None) -> Catalogue:
    """The good and the bad ones, loaded."""
    catalogue = Catalogue(["flows"])
    asyncio.run(catalogue.load())
    return catalogue


async def test_an_import_without_end_is_an_error(flows: None) -> None:
    """It is ended at the limit, however much it prints."""
    catalogue = Catalogue(["endless"], limit=0.5)
    await catalogue.load()
    (entry,) = catalogue.listing()
    assert entry.name == "endless"
    assert entry.error == "its import took longer than 0.5 s"


async def test_an_import_that_kills_who_looks_is_an_error(flows: None) -> None:
    """It is told of each module that could not be looked at; nothing waits for ever."""
    catalogue = Catalogue(["deadly"])
    await catalogue.load()
    (entry,) = catalogue.listing()
    assert entry.error is not None
    assert "has ended (-9)" in entry.error


async def test_an_import_gives_way_to_everybody(flows: None) -> None:
    """Looking at a module takes the processor from no run and from no reader."""
    catalogue = Catalogue(["polite"])
    await catalogue.load()
    assert not catalogue.listing()


async def test_everything_is_listed_and_nothing_imported(catalogue: Catalogue) -> None:
    """Good workflows with their schema, bad modules and doubled names with their error."""
    listed = {entry.name: entry for entry in catalogue.listing()}
    good = {name for name, entry in listed.items() if entry.error is None}
    assert good == {"good", "second", "talks", "threaded", "leaves", "sub"}
    assert listed["good"].description == "Looks something up."
    assert listed["good"].target == "flows.good:good"
    assert listed["second"].timeout == 5
    assert listed["good"].schema["required"] == ["topic"]
    errors: dict[str, Any] = {
        name: entry.error for name, entry in listed.items() if entry.error is not None
    }
    assert set(errors) == {
        "twin",
        *(f"flows.{name}" for name in ("broken", "raises", "exits", "vanishes", "crashes")),
        *(f"flows.{name}" for name in ("forges", "forges_more")),
    }
    assert "flows.twin_a:twin, flows.twin_b:twin" in errors["twin"]
    assert "SyntaxError" in errors["flows.broken"]
    assert "no key" in errors["flows.raises"]
    assert "not today" in errors["flows.exits"]
    assert "exit code 0" in errors["flows.vanishes"]
    assert "so long" in errors["flows.vanishes"]
    assert "signal 11" in errors["flows.crashes"]
    assert not [name for name in sys.modules if name.split(".")[0] == "flows"]


async def test_only_what_is_harmless_is_preloaded(catalogue: Catalogue) -> None:
    """None without workflows, none that failed, left threads behind, or printed something."""
    assert catalogue.preload == [
        *(f"flows.{name}" for name in ("good", "leaves", "sub", "twin_a", "twin_b"))
    ]


async def test_a_workflow_is_found_or_the_reason(catalogue: Catalogue) -> None:
    """The message says which names exist, or what is wrong with this one."""
    assert catalogue.find("good").name == "good"
    with pytest.raises(UnknownWorkflow, match="there is good, leaves, second"):
        catalogue.find("goood")
    with pytest.raises(UnknownWorkflow, match="used 2 times"):
        catalogue.find("twin")
    with pytest.raises(UnknownWorkflow, match="SyntaxError"):
        catalogue.find("flows.broken")


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({}, "input.topic"),
        ({"topic": 1}, "input.topic"),
        ({"topic": "a", "rounds": "2"}, "input.rounds"),
        ({"topic": "a", "tags": ["a", 1]}, "input.tags[1]"),
        ({"topic": "a", "round": 2}, "input.round"),
    ],
)
async def test_an_input_is_checked(catalogue: Catalogue, value: dict[str, Any], path: str) -> None:
    """Missing, of another type, and unknown inputs are named."""
    with pytest.raises(InvalidInput) as refusal:
        catalogue.check(catalogue.find("good"), value)
    assert refusal.value.path == path
    assert refusal.value.message.startswith(path)
    catalogue.check(catalogue.find("good"), {"topic": "a", "rounds": 3, "tags": []})


async def test_a_package_that_does_not_exist_is_an_error_in_the_list() -> None:
    """It hurts nothing else."""
    catalogue = Catalogue(["nowhere_at_all", "tests.nowhere", "", "tests.runs.programs"])
    await catalogue.load()
    assert catalogue.find("silent").error is None
    assert "nowhere_at_all" in {entry.name for entry in catalogue.listing() if entry.error}


def test_modules_are_found_without_an_import(flows: None) -> None:
    """A package, its direct modules and subpackages, and no deeper."""
    found = modules("flows")
    assert found[0] == "flows"
    assert "flows.sub" in found
    assert "flows.sub.deep" not in found
    assert "flows.__main__" not in found
    assert modules("flows.sub") == ["flows.sub", "flows.sub.deep"]
    assert modules("flows.good") == ["flows.good"]
    assert "flows" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        modules("flows.good.deeper")

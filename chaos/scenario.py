"""The registry of scenarios: a name, what it does, how much of it, and what does it."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType

from chaos.arena import Arena

Play = Callable[[Arena], Awaitable[None]]
Need = Callable[[], str]
"""Says in words what the machine lacks; empty where it lacks nothing."""


@dataclass(frozen=True)
class Scenario:
    """``size`` counts what ``unit`` names: by default, and in a continuous integration's time."""

    name: str
    what: str
    size: int
    ci: int
    unit: str
    play: Play
    needs: tuple[Need, ...] = ()

    @property
    def lacking(self) -> str:
        """Why it cannot run on this machine, or nothing."""
        return "; ".join(filter(None, (need() for need in self.needs)))

    def command(self, size: int, seed: int) -> str:
        """What replays it."""
        return f'make chaos ARGS="{self.name} --size {size} --seed {seed}"'


_SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str, *, size: int, ci: int, unit: str, needs: tuple[Need, ...] = ()
) -> Callable[[Play], Play]:
    """Register a coroutine function; the first line of its docstring says what it does."""

    def register(play: Play) -> Play:
        assert name not in _SCENARIOS and play.__doc__
        what = play.__doc__.strip().splitlines()[0].rstrip(".")
        _SCENARIOS[name] = Scenario(name, what, size, ci, unit, play, needs)
        return play

    return register


def every(package: ModuleType | None = None) -> dict[str, Scenario]:
    """All scenarios by name, after the modules of ``chaos.scenarios`` were imported."""
    package = package or importlib.import_module("chaos.scenarios")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    return _SCENARIOS

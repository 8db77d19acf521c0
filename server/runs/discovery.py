"""Which modules may hold workflows, found without importing any."""

import pkgutil
import sys
from importlib.machinery import PathFinder
from typing import NamedTuple


class Found(NamedTuple):
    """A module or package: whether it has code of its own, and where its modules are."""

    has_code: bool
    locations: list[str] | None  # None for a plain module


def modules(package: str) -> list[str]:
    """A package itself and its direct modules, by full name; a direct subpackage is one of them.

    A plain module stands for itself alone. Raises ModuleNotFoundError.
    """
    found = _find(package)
    names = [package] if found.has_code else []
    if found.locations is not None:
        inside = pkgutil.iter_modules(found.locations, f"{package}.")
        names += sorted(module.name for module in inside if not module.name.endswith(".__main__"))
    return names


def _find(name: str) -> Found:
    """The module of a dotted name. ``importlib.util.find_spec`` would import its parents."""
    found = Found(has_code=False, locations=list(sys.path))
    parts = name.split(".")
    for end, part in enumerate(parts, 1):
        whole = ".".join(parts[:end])
        if found.locations is None:
            raise ModuleNotFoundError(f"{'.'.join(parts[: end - 1])!r} is not a package")
        # By its last part: with the whole name, a namespace package would be looked for within a
        # parent that is imported, and none is.
        spec = PathFinder.find_spec(part, found.locations)
        if spec is None:
            raise ModuleNotFoundError(f"no package is called {whole!r}")
        inside = spec.submodule_search_locations
        found = Found(spec.loader is not None, None if inside is None else list(inside))
    return found

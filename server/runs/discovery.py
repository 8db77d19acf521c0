"""Which modules may hold workflows, found without importing any."""

import pkgutil
from importlib.machinery import ModuleSpec, PathFinder


def modules(package: str) -> list[str]:
    """A package itself and its direct modules, by full name; a direct subpackage is one of them.

    A plain module stands for itself alone. Raises ModuleNotFoundError.
    """
    spec = _find(package)
    names = [package] if spec.loader is not None else []  # a namespace package has no code
    if spec.submodule_search_locations is not None:
        found = pkgutil.iter_modules(spec.submodule_search_locations, f"{package}.")
        names += sorted(module.name for module in found if not module.name.endswith(".__main__"))
    return names


def _find(name: str) -> ModuleSpec:
    """The spec of a dotted name. ``importlib.util.find_spec`` would import its parents."""
    path = None
    spec: ModuleSpec | None = None
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:end]), path)
        if spec is None or (end < len(parts) and spec.submodule_search_locations is None):
            raise ModuleNotFoundError(f"no package is called {'.'.join(parts[:end])!r}")
        path = spec.submodule_search_locations
    assert spec is not None
    return spec

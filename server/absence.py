"""Libraries without the parts of them that nobody needs here."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Whoever is imported meanwhile finds these modules not installed, and does without them.

    It is for libraries that try to import them, and only for those. Before and after, the modules
    are there for everybody.
    """
    there = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules |= dict.fromkeys(modules)  # type: ignore[arg-type] # None: it is not to be found
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules |= there

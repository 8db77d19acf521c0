"""Libraries that are to do without a part of theirs."""

import sys

import pytest

from server.absence import without


def test_what_is_absent_cannot_be_imported() -> None:
    """Whoever tries meanwhile is told that it is not installed, whether it was imported or not."""
    import json

    with without("json", "this_was_never_there"):
        for name in ("json", "this_was_never_there"):
            with pytest.raises(ModuleNotFoundError):
                __import__(name)
    assert sys.modules["json"] is json
    assert "this_was_never_there" not in sys.modules


def test_it_is_back_after_a_failure() -> None:
    """An import that fails leaves nobody else without the module."""
    import json

    with pytest.raises(ZeroDivisionError), without("json"):
        raise ZeroDivisionError
    assert sys.modules["json"] is json

"""What counts as JSON, and how the rest is named."""

import ast
import enum
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.runtime.checking import MAX_NESTING, check, encode

STEP = re.compile(r"""\.(\w+)|\[(\d+|'(?:[^'\\]|\\.)*'|"'")\]""")

KEYS = st.sampled_from(["a", "b_c", "é", "a b", "]", "0", "'", "class", ""])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=4)
)
FOREIGN = st.sampled_from([{1}, b"x", object(), 1j, frozenset(), {1: 2}, {None: 0}, {"\ud800": 0}])
ANYTHING = st.recursive(
    LEAVES | FOREIGN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


def is_json_leaf(value: Any) -> bool:
    """The rule, said differently."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    if isinstance(value, str):
        return not any("\ud800" <= c <= "\udfff" for c in value)
    return value is None


def plain(value: Any) -> Any:
    """Tuples as lists."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def follow(path: str, value: Any) -> Any:
    """The value that a path leads to."""
    at = 0
    while at < len(path):
        step = STEP.match(path, at)
        assert step, path[at:]
        value = value[step[1] if step[1] is not None else ast.literal_eval(step[2])]
        at = step.end()
    return value


@given(ANYTHING)
def test_accepted_or_named(value: Any) -> None:
    """What passes is the same after a round trip; what does not is named by its path."""
    try:
        check(value, "data")
    except TypeError as error:
        message = str(error)
        surrogate_key = re.fullmatch(
            r"(data.*)\['\\ud800'\]: a lone surrogate is not text", message
        )
        if surrogate_key:
            message = surrogate_key[1] + ": the key"
        path, _, _ = message.removeprefix("data").rpartition(": ")
        culprit = follow(path, value)
        if isinstance(culprit, dict):
            assert any(not isinstance(k, str) or not is_json_leaf(k) for k in culprit)
        else:
            assert not is_json_leaf(culprit)
            assert not isinstance(culprit, list | tuple)
    else:
        assert json.loads(encode(value)) == plain(value)


class Colour(enum.StrEnum):
    """A string with a name."""

    RED = "red"


class Text(str):
    """A string that msgspec does not know."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "coded"),
    [
        (np.float64(1.5), b"1.5"),
        (Text("a"), b'"a"'),
        (Colour.RED, b'"red"'),
        ({Colour.RED: (1, 2)}, b'{"red":[1,2]}'),
        (2**64 - 1, b"18446744073709551615"),
        (-(2**63), b"-9223372036854775808"),
    ],
)
def test_subclasses_and_limits(value: object, coded: bytes) -> None:
    """A subclass counts as what it derives from, and integers have 64 bits with or without sign."""
    check(value, "data")
    assert encode(value) == coded


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, {"b c": float("nan")}]}, r"data\.a\[1\]\['b c'\]: NaN is not JSON"),
        ({"a": -math.inf}, r"data\.a: an infinity is not JSON"),
        ({"a": 2**64}, r"data\.a: an integer beyond 64 bits"),
        ({"a": "\udc80"}, r"data\.a: a lone surrogate is not text"),
        ({"a": {1: 2}}, r"data\.a: the key 1 is not a string"),
        ({"a": {1}}, r"data\.a: set is not JSON"),
        ({"a": np.int64(1)}, r"data\.a: int64 is not JSON"),
        ([np.float64("nan")], r"data\[0\]: NaN is not JSON"),
    ],
)
def test_messages(value: object, message: str) -> None:
    """The message is the path and the reason."""
    with pytest.raises(TypeError, match=message):
        check(value, "data")


def nested(depth: int) -> list[Any]:
    """Arrays, so many, within one another."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_nesting() -> None:
    """A line may be 128 deep, the line itself counted."""
    check(nested(MAX_NESTING - 1), "data")
    with pytest.raises(TypeError, match="nested more than 128 deep"):
        check(nested(MAX_NESTING), "data")
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(TypeError, match="inside itself"):
        check(endless, "data")

"""What counts as JSON here: refused at the call, with the path of the value that is to blame.

JSON encoders are lenient in ways that a reader of the stream pays for: NaN becomes null, a set an
array in no order, the key 1 the key "1". So the data is walked before it is encoded.
"""

import math
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_NESTING = 128
"""Objects and arrays within one another in a line of the pipe; the line itself is the first."""

_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


class _NotJSONError(Exception):
    """Carries the reason up the walk and collects the path on the way."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.path: list[str] = []


def check(value: object, name: str, *, inside: int = 1) -> None:
    """Raise TypeError unless `value` is JSON: str, int, float, bool, None, list, tuple, dict.

    Subclasses of these count as what they derive from. The message begins with the path, as in
    `data.items[3].x: NaN is not JSON`; `name` is where it starts, `inside` the number of objects
    that will stand around the value on its line.
    """
    try:
        _walk(value, MAX_NESTING - inside)
    except _NotJSONError as fault:
        path = "".join(reversed(fault.path))
        raise TypeError(f"{name}{path}: {fault.reason}") from None


def encode(value: object) -> bytes:
    """JSON for a value that passed `check`."""
    return _encoder.encode(value)


def _walk(value: object, room: int) -> None:
    rule = _RULES.get(type(value)) or _rule_of_subclass(value)
    rule(value, room)


def _rule_of_subclass(value: object) -> "Callable[[Any, int], None]":
    for kind in (str, int, float, list, tuple, dict):
        if isinstance(value, kind):
            return _RULES[kind]
    raise _NotJSONError(
        f"{type(value).__qualname__} is not JSON; give str, int, float, bool, None, list or dict"
    )


def _text(value: str, _room: int) -> None:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _NotJSONError("a lone surrogate is not text") from None


def _integer(value: int, _room: int) -> None:
    if not _SMALLEST <= value <= _LARGEST:
        raise _NotJSONError("an integer beyond 64 bits; give a string or a float")


def _number(value: float, _room: int) -> None:
    if not math.isfinite(value):
        raise _NotJSONError("NaN is not JSON" if math.isnan(value) else "an infinity is not JSON")


def _anything(_value: object, _room: int) -> None:
    """True, False, None."""


def _array(value: list[object] | tuple[object, ...], room: int) -> None:
    _enter(room)
    index = 0
    try:
        for index, item in enumerate(value):  # noqa: B007 (the path needs it after the loop)
            _walk(item, room - 1)
    except _NotJSONError as fault:
        fault.path.append(f"[{index}]")
        raise


def _object(value: dict[object, object], room: int) -> None:
    _enter(room)
    for key, item in value.items():
        if not isinstance(key, str):
            raise _NotJSONError(f"the key {key!r} is not a string")
        try:
            _text(key, room)
            _walk(item, room - 1)
        except _NotJSONError as fault:
            fault.path.append(f".{key}" if key.isidentifier() else f"[{key!a}]")
            raise


def _enter(room: int) -> None:
    if room <= 0:
        raise _NotJSONError(f"nested more than {MAX_NESTING} deep, or inside itself")


_RULES: "dict[type, Callable[[Any, int], None]]" = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _anything,
    type(None): _anything,
    list: _array,
    tuple: _array,
    dict: _object,
}


def _plain(value: object) -> object:
    """The plain value of a subclass that msgspec does not encode, such as numpy's float64."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise TypeError(f"{type(value).__qualname__} is not JSON")


_encoder = msgspec.json.Encoder(enc_hook=_plain)

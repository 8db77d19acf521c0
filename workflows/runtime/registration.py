"""The decorator that makes a function a workflow."""

import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar, overload

import msgspec

from workflows.runtime.signature import input_type

Function = TypeVar("Function", bound=Callable[..., Any])

_ATTRIBUTE = "__workflow__"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Registration(msgspec.Struct, frozen=True):
    """What is known of a workflow besides its code."""

    name: str
    description: str
    """The first line of the docstring."""
    timeout: float | None
    """Seconds from the start to the end; None leaves it to the server's setting."""
    input: type[msgspec.Struct]
    """The parameters after `ctx`."""


@overload
def workflow(function: Function, /) -> Function: ...


@overload
def workflow(
    *, name: str | None = None, timeout: float | None = None
) -> Callable[[Function], Function]: ...


def workflow(
    function: Function | None = None, /, *, name: str | None = None, timeout: float | None = None
) -> Function | Callable[[Function], Function]:
    """Make a function a workflow: `@workflow`, or `@workflow(name=…, timeout=…)`.

    The function, `async def` or `def`, takes a `Context` first; its other parameters are the input
    of a run, and their annotations and defaults the JSON Schema that inputs are checked against
    (limits by `Annotated[int, msgspec.Meta(ge=1)]`). `name` is the function's own unless given,
    `timeout` is in seconds. The function stays what it was, and may be called as before.

    Raises TypeError for a function that cannot work as one, ValueError for a bad name or timeout.
    """

    def register(function: Function) -> Function:
        _refuse_what_is_no_function(function)
        try:
            setattr(function, _ATTRIBUTE, _registration(function, name, timeout))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{function.__qualname__} cannot be a workflow: {error}") from None
        return function

    return register if function is None else register(function)


def registration_of(function: object) -> Registration | None:
    """Return what `@workflow` has left on a function, None where it was not used."""
    found = getattr(function, "__dict__", {}).get(_ATTRIBUTE)
    return found if isinstance(found, Registration) else None


def _refuse_what_is_no_function(function: object) -> None:
    if not inspect.isfunction(function):
        raise TypeError(f"@workflow is for functions; {function!r} is none")


def _registration(
    function: Callable[..., Any], name: str | None, timeout: float | None
) -> Registration:
    name = function.__name__ if name is None else name
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("it is a generator; emit events by `ctx.emit` instead of `yield`")
    if registration_of(function):
        raise TypeError("it is one already")
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name {name!r} must match {_NAME.pattern}")
    if timeout is not None and not 0 < timeout < float("inf"):
        raise ValueError(f"the timeout must be a number of seconds above 0, not {timeout!r}")
    description = (inspect.getdoc(function) or "").partition("\n")[0]
    return Registration(name, description, timeout, input_type(function, name))

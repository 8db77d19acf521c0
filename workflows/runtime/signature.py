"""A workflow's parameters: from its signature to a JSON Schema, from a JSON input to arguments."""

import inspect
import types
import typing
from collections.abc import Callable
from copy import deepcopy
from inspect import Parameter
from typing import Any

import msgspec

from workflows.runtime.checking import check
from workflows.runtime.context import Context

_MUTABLE = (list, dict, set, bytearray)


def input_type(function: Callable[..., Any], name: str) -> type[msgspec.Struct]:
    """Return the struct of a function's parameters after `ctx`.

    Raises TypeError, naming the parameter, for what an input cannot fill in: `*args`, `**kwargs`,
    positional-only parameters, annotations that JSON cannot be read into, defaults that it cannot
    be written from.
    """
    parameters = list(inspect.signature(function).parameters.values())
    space = getattr(inspect.unwrap(function), "__globals__", {})
    _refuse_other_than_ctx(parameters[:1], space)
    fields = [_field(parameter, space) for parameter in parameters[1:]]
    struct = msgspec.defstruct(name, fields, forbid_unknown_fields=True, kw_only=True)
    check(schema(struct), "schema")  # a default of NaN would be shown as null
    return struct


def schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of an input: an object that takes nothing but these."""
    (top,), parts = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    whole = parts.pop(top["$ref"].removeprefix("#/$defs/"))
    return {**whole, "$defs": parts} if parts else whole


def arguments(struct: type[msgspec.Struct], given: bytes | msgspec.Raw) -> dict[str, Any]:
    """Return the keyword arguments that a JSON input stands for. Raises msgspec.ValidationError."""
    try:
        values = msgspec.json.decode(given, type=struct)
    except msgspec.ValidationError:
        # JSON Schema takes 2.0 for an integer. Only an input that it has let through comes here.
        values = msgspec.json.decode(given, type=struct, strict=False)
    return {field: getattr(values, field) for field in struct.__struct_fields__}


def _refuse_other_than_ctx(first: list[Parameter], space: dict[str, Any]) -> None:
    by_position = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    if not first or first[0].kind not in by_position:
        raise TypeError("the first parameter must be the Context, as in `(ctx: Context, …)`")
    try:
        annotation = _resolve(first[0], space)
    except NameError:
        return  # imported for type checkers only
    if annotation not in (Any, Context):
        raise TypeError(f"the first parameter must be the Context; {str(first[0])!r} is not")


def _field(parameter: Parameter, space: dict[str, Any]) -> tuple[str, Any, Any]:
    if parameter.kind not in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY):
        raise TypeError(
            f"{str(parameter)!r} cannot be an input: inputs come by name, "
            "one parameter for each (no *args, no **kwargs, nothing before a `/`)"
        )
    try:
        annotation = _resolve(parameter, space)
    except NameError as error:
        raise TypeError(f"the annotation of {parameter.name!r}: {error}") from None
    _refuse_unless_described(parameter.name, annotation)
    return parameter.name, annotation, _default(parameter)


def _resolve(parameter: Parameter, space: dict[str, Any]) -> Any:
    """The annotation as a type, also where it is a string by a `__future__` import."""
    if parameter.annotation is Parameter.empty:
        return Any
    holder = types.SimpleNamespace(__annotations__={"it": parameter.annotation})
    return typing.get_type_hints(holder, globalns=space, include_extras=True)["it"]


def _refuse_unless_described(name: str, annotation: Any) -> None:
    try:
        msgspec.json.schema_components([msgspec.defstruct("Input", [(name, annotation)])])
    except TypeError as error:
        raise TypeError(
            f"{name!r} is nothing that JSON can be read into: {str(error).splitlines()[-1]}; "
            "give a plain type, a dataclass, a TypedDict, an Enum or a msgspec.Struct"
        ) from None


def _default(parameter: Parameter) -> Any:
    default = parameter.default
    if default is Parameter.empty:
        return msgspec.NODEFAULT
    try:
        msgspec.to_builtins(default)
    except TypeError as error:
        raise TypeError(f"the default of {parameter.name!r} is not JSON: {error}") from None
    if isinstance(default, _MUTABLE) and default:
        return msgspec.field(default_factory=lambda: deepcopy(default))
    return default

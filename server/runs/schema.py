"""Values against JSON Schemas: a run's input, an answer.

The library is imported by whoever needs it first: a server that starts, with readers that come
back, has no use for it yet, and it would be a tenth of its start.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from server.errors import InvalidInput

if TYPE_CHECKING:
    from jsonschema import ValidationError

Schema = dict[str, Any] | bool


def check(schema: Schema, value: object, name: str) -> None:
    """Raise :class:`InvalidInput` unless ``value`` fits; its ``path`` starts with ``name``.

    ``input.rounds`` and ``input.tags[2]`` are such paths. A value that is missing or not expected
    is named itself, not the object that it is missing from.
    """
    from jsonschema import Draft202012Validator  # noqa: PLC0415
    from jsonschema.exceptions import best_match  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    # With a registry of its own the library fetches nothing: by default it would load a schema
    # from any address that a $ref names.
    validator = Draft202012Validator(schema, registry=Registry())
    try:
        fault = best_match(validator.iter_errors(value))
    except Unresolvable as error:
        raise InvalidInput(
            f"the schema refers to what it does not hold: {error}", path=name
        ) from None
    except RecursionError:
        raise InvalidInput("the schema refers to itself without end", path=name) from None
    if fault is not None:
        path = name + "".join(_step(part) for part in [*fault.absolute_path, *_named(fault)])
        raise InvalidInput(f"{path}: {fault.message}", path=path)


def fault(schema: Schema) -> str | None:
    """What makes it no JSON Schema."""
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return error.message
    return None


def _step(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def _named(fault: "ValidationError") -> Iterable[str]:
    """The property that an object lacks, or has too much."""
    instance: Any = fault.instance
    required: Any = fault.validator_value
    if fault.validator == "required":
        return [name for name in required if name not in instance][:1]
    if fault.validator == "additionalProperties" and isinstance(fault.schema, dict):
        return [name for name in instance if name not in fault.schema.get("properties", {})][:1]
    return []

"""Values against JSON Schemas: a run's input, an answer."""

from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from server.errors import InvalidInput

Schema = dict[str, Any] | bool


def check(schema: Schema, value: object, name: str) -> None:
    """Raise :class:`InvalidInput` unless ``value`` fits; its ``path`` starts with ``name``.

    ``input.rounds`` and ``input.tags[2]`` are such paths. A value that is missing or not expected
    is named itself, not the object that it is missing from.
    """
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


def _step(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def _named(fault: ValidationError) -> Iterable[str]:
    """The property that an object lacks, or has too much."""
    instance: Any = fault.instance
    required: Any = fault.validator_value
    if fault.validator == "required":
        return [name for name in required if name not in instance][:1]
    if fault.validator == "additionalProperties" and isinstance(fault.schema, dict):
        return [name for name in instance if name not in fault.schema.get("properties", {})][:1]
    return []

"""Values against schemas, those that no sane author writes included."""

from typing import Any

import pytest

from server.errors import InvalidInput
from server.runs.schema import check


@pytest.mark.parametrize(
    ("schema", "value", "path"),
    [
        ({"type": "integer"}, "7", "value"),
        (False, 7, "value"),
        ({"items": {"properties": {"a": {"minimum": 3}}}}, [{"a": 3}, {"a": 2}], "value[1].a"),
        ({"required": ["a"]}, {}, "value.a"),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1, "b": 2}, "value.b"),
        ({"$ref": "#"}, 7, "value"),
        ({"$ref": "#/$defs/none"}, 7, "value"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, 7, "value"),
    ],
)
def test_a_value_that_does_not_fit_is_named(schema: Any, value: Any, path: str) -> None:
    """The path leads to it; a schema that leads nowhere, or elsewhere, accepts nothing."""
    with pytest.raises(InvalidInput) as refusal:
        check(schema, value, "value")
    assert refusal.value.path == path


@pytest.mark.parametrize("schema", [True, {}, {"type": "object", "properties": {"a": True}}])
def test_a_value_that_fits_passes(schema: Any) -> None:
    """Nothing is said of it."""
    check(schema, {"a": 1}, "value")

"""Functions become workflows, or are refused with the reason."""

# ruff: noqa: D103 (the functions to be refused are their signatures)

import dataclasses
import datetime
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import jsonschema
import msgspec
import pytest

from workflows import Context, workflow
from workflows.runtime.registration import Registration, registration_of
from workflows.runtime.signature import arguments, schema

if TYPE_CHECKING:
    from decimal import Decimal


class Colour(enum.Enum):
    """A choice."""

    RED = "red"


@dataclasses.dataclass
class Window:
    """A type of one's own."""

    start: datetime.date
    days: int = 5


class Named(TypedDict):
    """Another."""

    name: str


def everything(  # type: ignore[no-untyped-def]
    ctx: Context,
    topic: str,
    window: Window,
    names: list[Named],
    rounds: Annotated[int, msgspec.Meta(ge=1, le=9, description="how often")] = 2,
    *,
    mode: Literal["fast", "slow"] = "fast",
    colour: Colour = Colour.RED,
    limit: float | None = None,
    tags: list[str] = ["a", "b"],  # noqa: B006 (the default that is copied for each run)
    anything: Any = None,
    untyped=0,
) -> None:
    """Do everything.

    Not part of the description.
    """


def register(function: Callable[..., Any]) -> Registration:
    """The registration of a function that is a workflow."""
    found = registration_of(workflow(function))
    assert found is not None
    return found


def test_the_function_stays_a_function() -> None:
    """The decorator returns the very function, with its registration."""

    def double(ctx: Context, x: int) -> int:
        return 2 * x

    before = double
    decorated = workflow(name="twice", timeout=1.5)(double)
    assert decorated is before
    assert decorated(None, 2) == 4  # type: ignore[arg-type]
    found = registration_of(decorated)
    assert found is not None
    assert (found.name, found.timeout, found.description) == ("twice", 1.5, "")


def test_bare() -> None:
    """Without arguments the name is the function's, the description its docstring's first line."""
    found = register(everything)
    assert (found.name, found.timeout) == ("everything", None)
    assert found.description == "Do everything."
    del everything.__workflow__  # type: ignore[attr-defined]


def test_schema_and_arguments_agree() -> None:
    """An input that the schema takes gives typed arguments, one that it refuses none."""
    found = register(everything)
    described = schema(found.input)
    jsonschema.Draft202012Validator.check_schema(described)
    validator = jsonschema.Draft202012Validator(described)
    smallest = {"topic": "t", "window": {"start": "2020-01-02"}, "names": [{"name": "n"}]}
    validator.validate(smallest)
    told = arguments(found.input, msgspec.json.encode(smallest))
    assert told["window"] == Window(datetime.date(2020, 1, 2))
    assert told["names"] == [{"name": "n"}]
    assert (told["rounds"], told["mode"], told["colour"]) == (2, "fast", Colour.RED)
    assert told["tags"] == ["a", "b"]
    for wrong in ({"rounds": 10}, {"mode": "x"}, {"colour": "blue"}, {"more": 1}, {"topic": 1}):
        assert not validator.is_valid(smallest | wrong)
        with pytest.raises(msgspec.ValidationError):
            arguments(found.input, msgspec.json.encode(smallest | wrong))
    assert described["properties"]["rounds"]["description"] == "how often"
    del everything.__workflow__  # type: ignore[attr-defined]


def test_mutable_defaults_are_copied() -> None:
    """A run cannot change the default of the next."""
    found = register(everything)
    given = b'{"topic":"t","window":{"start":"2020-01-02"},"names":[]}'
    arguments(found.input, given)["tags"].append("c")
    assert arguments(found.input, given)["tags"] == ["a", "b"]
    del everything.__workflow__  # type: ignore[attr-defined]


def test_annotations_may_be_strings() -> None:
    """Strings are resolved where the function was defined; the Context's need not be there."""

    def late(ctx: "NotThere", x: "int") -> None:  # type: ignore[name-defined]  # noqa: F821
        """Nothing."""

    assert schema(register(late).input)["properties"] == {"x": {"type": "integer"}}


def no_parameters() -> None: ...
def no_ctx(topic: str) -> None: ...
def late_no_ctx(topic: "str") -> None: ...
def many(ctx: Context, *args: int) -> None: ...
def keywords(ctx: Context, **kwargs: int) -> None: ...
def by_position(ctx: Context, x: int, /) -> None: ...
def keyword_ctx(*, ctx: Context) -> None: ...
def a_function(ctx: Context, call: Callable[[], None]) -> None: ...
def a_complex(ctx: Context, z: complex) -> None: ...
def a_name(ctx: Context, d: "Decimal") -> None: ...
def a_default(ctx: Context, x: Any = object()) -> None: ...  # noqa: B008
def a_nan(ctx: Context, x: float = float("nan")) -> None: ...
def a_generator(ctx: Context) -> Any:
    yield 1


REFUSED: dict[str, tuple[Any, str]] = {
    "no parameters": (no_parameters, "the first parameter must be the Context"),
    "no ctx": (no_ctx, "'topic: str' is not"),
    "no ctx, as a string": (late_no_ctx, "the first parameter must be the Context; .*topic"),
    "*args": (many, r"'\*args: int' cannot be an input"),
    "**kwargs": (keywords, r"'\*\*kwargs: int' cannot be an input"),
    "by position": (by_position, "'x: int' cannot be an input"),
    "ctx by keyword": (keyword_ctx, "the first parameter must be the Context"),
    "a function": (a_function, "'call' is nothing that JSON can be read into"),
    "a complex number": (a_complex, "'z' is nothing that JSON can be read into"),
    "a name that is nowhere": (a_name, "the annotation of 'd': name 'Decimal' is not defined"),
    "a default": (a_default, "the default of 'x' is not JSON"),
    "a default of NaN": (a_nan, r"schema\.properties\.x\.default: NaN is not JSON"),
    "a generator": (a_generator, "it is a generator"),
    "a class": (Window, "is for functions"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    """What cannot work is refused at the decoration, and the message names it."""
    function, message = REFUSED[case]
    with pytest.raises(TypeError, match=message):
        workflow(function)


def test_one_registration_each() -> None:
    """A function is one workflow at most."""

    def once(ctx: Context) -> None:
        """Nothing."""

    with pytest.raises(TypeError, match="it is one already"):
        workflow(name="other")(workflow(once))


@pytest.mark.parametrize("name", ["", "a b", "é", "x" * 65])
def test_bad_names(name: str) -> None:
    """A name that no request could carry is refused."""
    with pytest.raises(ValueError, match="must match"):
        workflow(name=name)(lambda ctx: None)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_bad_timeouts(timeout: float) -> None:
    """A timeout is a number of seconds above zero."""
    with pytest.raises(ValueError, match="seconds above 0"):
        workflow(name="x", timeout=timeout)(lambda ctx: None)

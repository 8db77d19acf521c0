"""Workflows with inputs, and with questions, of every kind that annotations and schemas make."""

import datetime
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from workflows import Context, workflow


class Depth(Enum):
    """How far to go."""

    SHALLOW = "shallow"
    MIDDLE = "middle"
    DEEP = "deep"


@dataclass
class Budget:
    """What a search may cost."""

    tokens: Annotated[int, Meta(ge=1, description="at most, over all agents")]
    currency: Literal["EUR", "USD"] = "EUR"
    hard: bool = False


@dataclass
class Source:
    """Where to look."""

    url: Annotated[str, Meta(pattern="^https?://", description="an address")]
    weight: Annotated[float, Meta(gt=0, le=1)] = 1.0


@dataclass
class Tree:
    """A topic and those inside it."""

    topic: str
    children: list["Tree"] = field(default_factory=list)


class Span(NamedTuple):
    """From one to another."""

    first: int
    last: int


class Web(msgspec.Struct, tag="web"):
    """Looks on the web."""

    engine: Literal["a", "b"] = "a"


class Files(msgspec.Struct, tag="files"):
    """Looks in files."""

    folder: str


Rounds = Annotated[int, Meta(ge=1, le=9, description="how often the agents take turns")]
Name = Annotated[str, Meta(min_length=2, max_length=12, pattern="^[a-z_]+$")]


@workflow
def every_input(
    ctx: Context,
    *,
    topic: Annotated[str, Meta(min_length=1, description="what it is about")],
    rounds: Rounds = 2,
    name: Name = "nobody",
    ratio: Annotated[float, Meta(gt=0, lt=1)] = 0.5,
    even: Annotated[int, Meta(multiple_of=2)] = 4,
    big: int = 9_007_199_254_740_993,
    polite: bool = True,
    depth: Depth = Depth.MIDDLE,
    style: Literal["short", "long", 3] = "short",
    seed: int | None = None,
    note: str | None = None,
    stop_after: int | str = 10,
    day: datetime.date | None = None,
    at: datetime.datetime | None = None,
    budget: Budget | None = None,
    sources: list[Source] = [],  # noqa: B006
    tags: Annotated[set[Literal["news", "papers", "code"]], Meta(min_length=1)] = {"news"},  # noqa: B006
    pair: tuple[str, int] = ("a", 1),
    span: Span | None = None,
    search: Web | Files | None = None,
    tree: Tree | None = None,
    headers: dict[str, str] = {},  # noqa: B006
    limits: dict[str, int] | None = None,
    extra: Any = None,
) -> Any:
    """Takes one input of every kind, and returns what it was given."""
    given = {key: value for key, value in locals().items() if key != "ctx"}
    return msgspec.to_builtins(given)


@workflow
def needs_much(
    ctx: Context,
    *,
    text: str,
    number: int,
    sure: bool,
    depth: Depth,
    budget: Budget,
    words: list[str],
    either: int | None,
    headers: dict[str, str],
) -> Any:
    """Has no default anywhere, and returns what it was given."""
    given = {key: value for key, value in locals().items() if key != "ctx"}
    return msgspec.to_builtins(given)


@workflow
def refuses_names(ctx: Context, name: Name = "nobody", path: str = "") -> str:
    """Returns its name."""
    return name


QUESTIONS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "boolean": ("Go on with the plan?", {"type": "boolean"}),
    "whole number": ("How many rounds?", {"type": "integer", "minimum": 1, "maximum": 9}),
    "text": ("What should it be called?", {"type": "string", "minLength": 2}),
    "one of": ("Which way?", {"enum": ["left", "right", "straight on"]}),
    "object": (
        "Which budget?",
        {
            "type": "object",
            "properties": {"tokens": {"type": "integer", "minimum": 1}, "note": {"type": "string"}},
            "required": ["tokens"],
            "additionalProperties": False,
        },
    ),
    "anything": ("Anything to add?", None),
}


@workflow
def asks_everything(ctx: Context, only: list[str] = []) -> dict[str, Any]:  # noqa: B006
    """Asks one question of every kind, one after the other; `only` names those to ask."""
    found = {}
    for kind, (prompt, schema) in QUESTIONS.items():
        if not only or kind in only:
            found[kind] = ctx.ask(prompt, schema=schema)
    return found

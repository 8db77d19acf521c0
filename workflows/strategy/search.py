"""A seeded walk through the space of specifications: samples far apart, then neighbours.

The space is read from the bounds of the models in `specification`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from pydantic import BaseModel, ValidationError

from workflows.strategy.specification import RULES, SIZINGS, Specification

RULE_KINDS = tuple(rule.model_fields["kind"].default for rule in RULES)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a parameter may lie, both ends included."""

    low: float
    high: float
    whole: bool

    def draw(self, random: Random) -> float | int:
        """Any value; whole numbers by their logarithm: 10 to 20 days matter like 100 to 200."""
        if self.whole:
            return round(math.exp(random.uniform(math.log(self.low), math.log(self.high))))
        return round(random.uniform(self.low, self.high), 3)

    def near(self, value: float, random: Random) -> float | int:
        """A value not far from `value`."""
        if self.whole:
            moved: float = round(value * random.uniform(0.7, 1.4))
        else:
            moved = round(value + random.uniform(-0.15, 0.15) * (self.high - self.low), 3)
        return type(value)(min(self.high, max(self.low, moved)))


def space(part: type[BaseModel]) -> dict[str, Bounds]:
    """The bounds of a rule's or a sizing's parameters by name."""
    found = {}
    for name, field in part.model_fields.items():
        limits = {
            side: getattr(mark, side)
            for mark in field.metadata
            for side in ("ge", "le")
            if hasattr(mark, side)
        }
        if limits:
            found[name] = Bounds(limits["ge"], limits["le"], field.annotation is int)
    return found


def sample(kind: str, random: Random) -> Specification:
    """Any specification whose rule is of `kind`."""
    rule = next(rule for rule in RULES if rule.model_fields["kind"].default == kind)
    while True:
        drawn = {"rule": _draw(rule, random), "sizing": _draw(random.choice(SIZINGS), random)}
        try:
            return Specification.model_validate(drawn)
        except ValidationError:
            continue  # parameters in their bounds that don't go together


def neighbours(centre: Specification, random: Random) -> Iterator[Specification]:
    """Specifications that differ from `centre` in one parameter, without end, none twice."""
    seen = {centre}
    while True:
        part = random.choice(("rule", "sizing"))
        values: dict[str, dict[str, Any]] = centre.model_dump()
        bounds = space(type(getattr(centre, part)))
        name = random.choice(sorted(bounds))
        values[part][name] = bounds[name].near(values[part][name], random)
        try:
            moved = Specification.model_validate(values)
        except ValidationError:
            continue
        if moved not in seen:
            seen.add(moved)
            yield moved


def _draw(part: type[BaseModel], random: Random) -> dict[str, Any]:
    drawn = {name: bounds.draw(random) for name, bounds in space(part).items()}
    return {"kind": part.model_fields["kind"].default, **drawn}

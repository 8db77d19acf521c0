"""The Supervisor's plan: which years serve what, and when a strategy is good enough.

Candidates are compared on the training years. The Critic judges on the validation years, which
every round spends a little, so their figures flatter. The held-out years are read once, after the
last decision: theirs are the only figures that promise anything.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workflows.strategy.backtest import Years
from workflows.strategy.figures import Figures

Period = Literal["train", "validation", "held_out"]
PERIODS: tuple[Period, ...] = ("train", "validation", "held_out")
IN_WORDS: dict[Period, str] = {
    "train": "the training years",
    "validation": "the validation years",
    "held_out": "the held-out years",
}
FEWEST_DAYS: dict[Period, int] = {"train": 200, "validation": 100, "held_out": 20}
Fault = Literal["few_trades", "drawdown", "weak", "faded", "below_holding", "concentrated"]


class Split(BaseModel):
    """Three spans of whole years, one after the other without a hole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: Years
    validation: Years
    held_out: Years

    @model_validator(mode="after")
    def _consecutive(self) -> Self:
        spans = (self.train, self.validation, self.held_out)
        if any(span.first > span.last for span in spans):
            raise ValueError("the first year of a span must not be after its last")
        if any(after.first != before.last + 1 for before, after in pairwise(spans)):
            raise ValueError("train, validation and held_out must follow each other directly")
        return self

    def years(self, period: Period) -> Years:
        """The span that serves `period`."""
        return {
            "train": self.train,
            "validation": self.validation,
            "held_out": self.held_out,
        }[period]


class Criteria(BaseModel):
    """What the Critic accepts. Sharpe ratios and shares, as in `Figures`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_sharpe: Annotated[float, Field(ge=0, le=3, description="on the validation years")] = 0.5
    max_drawdown: Annotated[float, Field(ge=0.05, le=0.9, description="in either span")] = 0.3
    min_trades: Annotated[int, Field(ge=1, le=500, description="on the training years")] = 20
    max_fade: Annotated[
        float, Field(ge=0, le=1, description="share of the training Sharpe that may be lost")
    ] = 0.5
    max_concentration: Annotated[
        float, Field(ge=0.3, le=1, description="share of the training gains that one stock makes")
    ] = 0.6


class Plan(BaseModel):
    """What the Supervisor decides before anybody looks at a return."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    split: Split
    criteria: Criteria = Criteria()


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One criterion that was missed. `fault` tells which, `text` also by how much."""

    fault: Fault
    text: str


def split_years(first: int, last: int) -> Split:
    """About half of the years to train on, a fifth to validate, the last quarter held out.

    Raises `ValueError` with fewer than three years.
    """
    count = last - first + 1
    if count < 3:
        raise ValueError("three years are needed: one each to train, to validate and to hold out")
    held_out, validation = max(1, round(count / 4)), max(1, round(count / 5))
    return Split(
        train=Years(first, last - held_out - validation),
        validation=Years(last - held_out - validation + 1, last - held_out),
        held_out=Years(last - held_out + 1, last),
    )


def shortfalls(
    criteria: Criteria, train: Figures, validation: Figures, holding: Figures
) -> list[Shortfall]:
    """Every criterion that a strategy misses; `holding` is buy-and-hold on the validation years."""
    missed = []
    if train.trades < criteria.min_trades:
        text = f"{train.trades} trades in training are too few to tell skill from chance"
        missed.append(Shortfall("few_trades", f"{text}; at least {criteria.min_trades}"))
    if train.concentration > criteria.max_concentration:
        text = f"one stock made {train.concentration:.0%} of the training gains"
        missed.append(
            Shortfall("concentrated", f"{text}; at most {criteria.max_concentration:.0%}")
        )
    worst = max(train.max_drawdown, validation.max_drawdown)
    if worst > criteria.max_drawdown:
        text = f"it fell {worst:.0%} from a peak"
        missed.append(Shortfall("drawdown", f"{text}; at most {criteria.max_drawdown:.0%}"))
    if validation.sharpe < criteria.min_sharpe:
        text = f"a validation Sharpe of {validation.sharpe:.2f} is weak"
        missed.append(Shortfall("weak", f"{text}; at least {criteria.min_sharpe:.2f}"))
    if validation.sharpe < train.sharpe * (1 - criteria.max_fade):
        text = f"the Sharpe fades from {train.sharpe:.2f} to {validation.sharpe:.2f}"
        missed.append(Shortfall("faded", f"{text}, which looks like over-fitting"))
    if validation.sharpe < holding.sharpe:
        text = f"its validation Sharpe of {validation.sharpe:.2f} is below"
        missed.append(Shortfall("below_holding", f"{text} buy-and-hold's {holding.sharpe:.2f}"))
    return missed

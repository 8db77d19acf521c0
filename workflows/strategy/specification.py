"""What a strategy may be: one rule that says when to hold a stock, one sizing that says how much.

Every parameter is bounded. The bounds are the whole space that is searched, and a model that
proposes something else is told so by validation. Long or flat only: borrowing shares has costs that
daily prices do not show.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def parameters(self) -> dict[str, float | int]:
        """The numbers of this part by name, without its discriminator."""
        return {name: value for name, value in self if name != "kind"}


class MovingAverageCrossover(_Part):
    """Hold while the fast mean of closes is above the slow one by more than the band."""

    kind: Literal["moving_average_crossover"] = "moving_average_crossover"
    fast: Annotated[int, Field(ge=2, le=100, description="days")]
    slow: Annotated[int, Field(ge=10, le=300, description="days, more than fast")]
    band: Annotated[float, Field(ge=0, le=0.05, description="share of the slow mean")] = 0.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError("fast must be less than slow")
        return self


class Momentum(_Part):
    """Hold while the return of the last `lookback` days is above the threshold.

    Moskowitz, Ooi and Pedersen, "Time series momentum", 2012.
    """

    kind: Literal["momentum"] = "momentum"
    lookback: Annotated[int, Field(ge=20, le=300, description="days")]
    threshold: Annotated[float, Field(ge=-0.1, le=0.3, description="return")] = 0.0
    every: Annotated[int, Field(ge=1, le=21, description="days between decisions")] = 1


class MeanReversion(_Part):
    """Buy when the relative strength index falls below `low`, sell when it rises above `high`.

    Wilder, "New concepts in technical trading systems", 1978.
    """

    kind: Literal["mean_reversion"] = "mean_reversion"
    period: Annotated[int, Field(ge=2, le=30, description="days")]
    low: Annotated[int, Field(ge=5, le=45)]
    high: Annotated[int, Field(ge=50, le=95)]


class ChannelBreakout(_Part):
    """Buy above the highest of the last `entry` closes, sell below the lowest of the last `leave`.

    Donchian's channels, on closes.
    """

    kind: Literal["channel_breakout"] = "channel_breakout"
    entry: Annotated[int, Field(ge=10, le=250, description="days")]
    leave: Annotated[int, Field(ge=5, le=120, description="days")]


class FixedFraction(_Part):
    """Put the same share of the money into a stock whenever it is held."""

    kind: Literal["fixed_fraction"] = "fixed_fraction"
    fraction: Annotated[float, Field(ge=0.1, le=1)] = 1.0


class VolatilityTarget(_Part):
    """Put less money into a stock when it swings more, in steps of a tenth, at most all."""

    kind: Literal["volatility_target"] = "volatility_target"
    target: Annotated[float, Field(ge=0.05, le=0.5, description="volatility a year")]
    window: Annotated[int, Field(ge=10, le=120, description="days")]


Rule = Annotated[
    MovingAverageCrossover | Momentum | MeanReversion | ChannelBreakout,
    Field(discriminator="kind"),
]
Sizing = Annotated[FixedFraction | VolatilityTarget, Field(discriminator="kind")]

RULES: tuple[type[_Part], ...] = (MovingAverageCrossover, Momentum, MeanReversion, ChannelBreakout)
SIZINGS: tuple[type[_Part], ...] = (FixedFraction, VolatilityTarget)


class Specification(BaseModel):
    """A whole strategy: the same rule and sizing for every stock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Rule
    sizing: Sizing = FixedFraction()

    def describe(self) -> str:
        """One line for a reader, with every parameter."""
        return f"{_call(self.rule)} with {_call(self.sizing)}"


def _call(part: _Part) -> str:
    inside = ", ".join(f"{name} {value:g}" for name, value in part.parameters().items())
    return f"{part.model_dump()['kind'].replace('_', ' ')} ({inside})"

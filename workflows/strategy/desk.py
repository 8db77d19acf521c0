"""The desk that the agents share: prices, the plan, the strategy at hand, and what was measured.

It is what makes their figures true: an agent may say what it likes, but only what the desk has
measured is reported. It hands the held-out years out once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from workflows.strategy import backtest, prices, quality
from workflows.strategy.backtest import Curve
from workflows.strategy.figures import Figures, best_by_luck
from workflows.strategy.plan import (
    FEWEST_DAYS,
    IN_WORDS,
    PERIODS,
    Period,
    Plan,
    Shortfall,
    shortfalls,
)
from workflows.strategy.prices import Prices
from workflows.strategy.quality import Finding
from workflows.strategy.specification import Specification


class HeldOutError(RuntimeError):
    """The held-out years were asked for before the decision, or a second time."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the checks found in one stock's prices, and why it cannot be used, if it cannot."""

    days: dict[Period, int]
    findings: list[Finding]
    objection: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A strategy over a period, beside the same money bought and held."""

    strategy: Curve
    holding: Curve


class Desk:
    """One run's desk. `plan`, `stocks` and `proposal` are set when the run comes to know them."""

    plan: Plan
    proposal: Specification

    def __init__(self, symbols: Sequence[str], first: int, last: int, cost_bps: float) -> None:
        self.symbols = tuple(symbols)
        self.first, self.last = first, last
        self.cost_bps = cost_bps
        self.stocks: dict[str, Prices] = {}
        self.tried: list[float] = []
        self._loaded: dict[str, Prices] = {}
        self._holding: dict[Period, Curve] = {}
        self._measured: dict[tuple[Specification, Period], Curve] = {}
        self.decided = False
        self._held_out_spent = False

    def prices(self, symbol: str) -> Prices:
        """The prices of `symbol`, read at most once a run."""
        if symbol not in self._loaded:
            self._loaded[symbol] = prices.load(symbol)
        return self._loaded[symbol]

    def inspect(self, symbol: str) -> Inspection:
        """Check one stock against the plan's years."""
        findings = quality.examine(self.prices(symbol))
        if findings and findings[0].fatal:
            return Inspection({}, findings, f"{findings[0].kind} on {findings[0].date}")
        spans = {period: self.plan.split.years(period) for period in PERIODS}
        days = {
            period: len(self.prices(symbol).between(span.first, span.last))
            for period, span in spans.items()
        }
        short = [period for period in PERIODS if days[period] < FEWEST_DAYS[period]]
        objection = (
            f"it has {days[short[0]]} days of prices in {IN_WORDS[short[0]]}" if short else None
        )
        return Inspection(days, findings, objection)

    async def evaluate(self, candidates: Sequence[Specification]) -> list[Figures]:
        """The training figures of each candidate, and a note that it was tried."""
        figures = []
        for candidate in candidates:
            await asyncio.sleep(0)  # a cancelled run ends between two backtests
            figures.append(self._run(candidate, "train").figures())
            self.tried.append(figures[-1].sharpe)
        return figures

    def propose(self, specification: Specification) -> None:
        """Put a strategy on the desk, to be measured and judged."""
        if self.decided:
            raise HeldOutError("the decision is made: nothing may be proposed after it")
        self.proposal = specification

    def decide(self, specification: Specification) -> None:
        """Choose for good. From here on the held-out years can be measured."""
        self.propose(specification)
        self.decided = True

    def measure(self, period: Period) -> Measured:
        """The proposal over `period`. The held-out years are there after the decision, once."""
        if period == "held_out":
            self._spend_held_out()
        self._measured[self.proposal, period] = self._run(self.proposal, period)
        return self.known(period)

    def known(self, period: Period) -> Measured:
        """What `measure` found for the proposal over `period`; `KeyError` if nobody measured it."""
        strategy = self._measured[self.proposal, period]
        if period not in self._holding:
            years = self.plan.split.years(period)
            stocks = list(self.stocks.values())
            self._holding[period] = backtest.buy_and_hold(stocks, years, self.cost_bps)
        return Measured(strategy, self._holding[period])

    def is_measured(self, period: Period) -> bool:
        """Whether the proposal was measured over `period`."""
        return (self.proposal, period) in self._measured

    def shortfalls(self) -> list[Shortfall]:
        """The plan's criteria that the proposal misses. Both in-sample periods must be measured."""
        validation = self.known("validation")
        return shortfalls(
            self.plan.criteria,
            self.known("train").strategy.figures(),
            validation.strategy.figures(),
            validation.holding.figures(),
        )

    def luck(self) -> float:
        """The training Sharpe that the best of all candidates would have had by luck alone."""
        return best_by_luck(self.tried)

    def _spend_held_out(self) -> None:
        if not self.decided:
            raise HeldOutError("the held-out years are not read before the decision")
        if self._held_out_spent:
            raise HeldOutError("the held-out years were read already; the figures stand")
        self._held_out_spent = True

    def _run(self, specification: Specification, period: Period) -> Curve:
        years = self.plan.split.years(period)
        return backtest.run(specification, list(self.stocks.values()), years, self.cost_bps)

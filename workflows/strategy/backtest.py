"""What a strategy would have earned: daily, with costs, without knowledge of the future.

The money is split evenly over the stocks at the start; each share is then traded on its own and
none is moved from one stock to another. What a rule says at the close of a day is traded at the
close of the next. Between trades the number of shares stays the same. Every trade costs a share of
the money moved. Money that is in no stock earns nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workflows.strategy.figures import Figures, measure
from workflows.strategy.prices import Prices
from workflows.strategy.signals import weights
from workflows.strategy.specification import Specification


@dataclass(frozen=True, slots=True)
class Years:
    """Calendar years, both ends included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Curve:
    """The money at each day's close, from 1 before the first; and what it took to get there.

    `gains` is what each stock made or lost, as a share of the money that was put on it.
    """

    dates: tuple[str, ...]
    equity: tuple[float, ...]
    trades: int
    exposure: float
    gains: tuple[float, ...]

    def figures(self) -> Figures:
        """The figures of this curve."""
        return measure(self.equity, self.trades, self.exposure, self.gains)


@dataclass(frozen=True, slots=True)
class _Sleeve:
    money: dict[str, float]
    trades: int
    exposure: dict[str, float]


def run(
    specification: Specification, stocks: Sequence[Prices], years: Years, cost_bps: float
) -> Curve:
    """The strategy over `years`. Prices from before warm the rules up; later ones are not read."""
    sleeves = []
    for stock in stocks:
        days = stock.between(years.first, years.last)
        known = stock.adjusted[: days.stop]
        traded = [0.0, *weights(specification, known)[:-1]] if known else []
        sleeves.append(_trade(stock, days, traded, cost_bps))
    return _together(sleeves)


def buy_and_hold(stocks: Sequence[Prices], years: Years, cost_bps: float) -> Curve:
    """The same money put into every stock at its first close in `years`, and left there."""
    sleeves = []
    for stock in stocks:
        days = stock.between(years.first, years.last)
        sleeves.append(_trade(stock, days, [1.0] * days.stop, cost_bps))
    return _together(sleeves)


def _trade(stock: Prices, days: range, wanted: Sequence[float], cost_bps: float) -> _Sleeve:
    """One stock's money, from 1; `wanted` is the share to trade to at each day's close."""
    cost = cost_bps / 10_000
    cash, shares, weight, trades = 1.0, 0.0, 0.0, 0
    money, exposure = {}, {}
    for day in days:
        date, price = stock.dates[day], stock.adjusted[day]
        if wanted[day] != weight:
            weight = wanted[day]
            change = _order(weight, cash, shares * price, cost)
            shares = shares + change / price if weight else 0.0
            cash -= change + cost * abs(change)
            trades += 1
        money[date] = cash + shares * price
        exposure[date] = shares * price / money[date]
    return _Sleeve(money, trades, exposure)


def _order(weight: float, cash: float, held: float, cost: float) -> float:
    """The dollars to buy (or, negative, to sell) so that `weight` is right after the cost is paid.

    Solves held + x = weight * (cash + held - cost * |x|) for x, so that costs are never borrowed.
    """
    missing = weight * (cash + held) - held
    return missing / (1 + cost * weight) if missing > 0 else missing / (1 - cost * weight)


def _together(sleeves: Sequence[_Sleeve]) -> Curve:
    """The sum of the sleeves on all their days. A stock without a price yet is cash."""
    dates = sorted(set().union(*(sleeve.money for sleeve in sleeves)))
    last = [(1.0, 0.0)] * len(sleeves)
    equity, exposures = [], []
    for date in dates:
        last = [
            (sleeve.money.get(date, money), sleeve.exposure.get(date, exposure))
            for sleeve, (money, exposure) in zip(sleeves, last, strict=True)
        ]
        total = sum(money for money, _ in last)
        equity.append(total / len(sleeves))
        exposures.append(sum(money * exposure for money, exposure in last) / total)
    return Curve(
        dates=tuple(dates),
        equity=tuple(equity),
        trades=sum(sleeve.trades for sleeve in sleeves),
        exposure=sum(exposures) / len(exposures) if exposures else 0.0,
        gains=tuple(money - 1 for money, _ in last),
    )

"""The figures by which a curve of money is judged.

252 trading days make a year. The Sharpe ratio is Sharpe's of 1994 ("The Sharpe ratio", Journal of
Portfolio Management) with a risk-free rate of zero; it is zero by convention where nothing moved.
"""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

DAYS_A_YEAR = 252
EULER_MASCHERONI = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares, not per cent.

    `exposure` is the mean share of the money that was in stocks, `concentration` the share of all
    gains that the best stock made.
    """

    days: int
    total_return: float
    annual_return: float
    volatility: float
    sharpe: float
    max_drawdown: float
    trades: int
    exposure: float
    concentration: float


def measure(
    equity: Sequence[float], trades: int, exposure: float, gains: Sequence[float]
) -> Figures:
    """The figures of `equity`: the money at each day's close, starting from 1 before the first.

    `gains` is what each stock made or, below zero, lost.

    annual return = end ** (252 / days) - 1; volatility = stdev(daily returns) * sqrt(252);
    Sharpe = mean(daily returns) / stdev(daily returns) * sqrt(252), sample standard deviations.
    """
    returns = [after / before - 1 for before, after in itertools.pairwise([1.0, *equity])]
    mean = math.fsum(returns) / len(returns) if returns else 0.0
    # Not statistics.stdev: it works in exact fractions and takes longer than the backtest.
    squares = math.fsum((change - mean) ** 2 for change in returns)
    deviation = math.sqrt(squares / (len(returns) - 1)) if len(returns) > 1 else 0.0
    end = equity[-1] if equity else 1.0
    return Figures(
        days=len(equity),
        total_return=end - 1,
        annual_return=end ** (DAYS_A_YEAR / len(equity)) - 1 if equity else 0.0,
        volatility=deviation * math.sqrt(DAYS_A_YEAR),
        sharpe=mean / deviation * math.sqrt(DAYS_A_YEAR) if deviation > 0 else 0.0,
        max_drawdown=max_drawdown(equity),
        trades=trades,
        exposure=exposure,
        concentration=max(gains) / won if (won := sum(max(gain, 0.0) for gain in gains)) else 0.0,
    )


def max_drawdown(equity: Sequence[float]) -> float:
    """The greatest fall from a peak, as a share of that peak: max(1 - equity / peak so far)."""
    peaks = itertools.accumulate([1.0, *equity], max)
    return max(1 - money / peak for money, peak in zip([1.0, *equity], peaks, strict=True))


def best_by_luck(sharpes: Sequence[float]) -> float:
    """The Sharpe ratio to expect from the best of so many tries if none had any merit.

    stdev * ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))), Z the normal quantile and g Euler's constant:
    Bailey and López de Prado, "The deflated Sharpe ratio", 2014. It takes the tries for
    independent, so for neighbours in one search it is an upper guess. Zero for fewer than two.
    """
    tries = len(sharpes)
    if tries < 2:
        return 0.0
    quantile = statistics.NormalDist().inv_cdf
    return statistics.stdev(sharpes) * (
        (1 - EULER_MASCHERONI) * quantile(1 - 1 / tries)
        + EULER_MASCHERONI * quantile(1 - 1 / (tries * math.e))
    )

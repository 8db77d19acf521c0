"""The rules and sizings themselves, on one stock's adjusted closes.

A rule answers for each day whether the stock should be held, a sizing with how much of the money.
Both know the closes up to that day and nothing later. The source of the functions named in a
specification is what its reader is shown, so each stands alone and needs no import but `math` and
`itertools`.
"""

import itertools
import math
from collections.abc import Callable, Sequence

from workflows.strategy.specification import Specification


def moving_average_crossover(
    closes: Sequence[float], fast: int, slow: int, band: float
) -> list[bool]:
    """Hold from where the fast mean rises above the slow one's band until it falls below it."""
    sums = [0.0, *itertools.accumulate(closes)]
    held = [False] * len(closes)
    for day in range(slow - 1, len(closes)):
        fast_mean = (sums[day + 1] - sums[day + 1 - fast]) / fast
        slow_mean = (sums[day + 1] - sums[day + 1 - slow]) / slow
        margin = -band if held[day - 1] else band
        held[day] = fast_mean > slow_mean * (1 + margin)
    return held


def momentum(closes: Sequence[float], lookback: int, threshold: float, every: int) -> list[bool]:
    """Hold while the return over `lookback` days is above the threshold; decide on some days."""
    held = [False] * len(closes)
    for day in range(lookback, len(closes)):
        if day % every == 0:
            held[day] = closes[day] > closes[day - lookback] * (1 + threshold)
        else:
            held[day] = held[day - 1]
    return held


def mean_reversion(closes: Sequence[float], period: int, low: int, high: int) -> list[bool]:
    """Buy when the relative strength index is below `low`, sell when it is above `high`.

    RSI = 100 gain / (gain + loss), of gains and losses smoothed with weight 1 / period.
    """
    gain = loss = 0.0
    held = [False] * len(closes)
    for day in range(1, len(closes)):
        change = closes[day] - closes[day - 1]
        gain += (max(change, 0.0) - gain) / period
        loss += (max(-change, 0.0) - loss) / period
        index = 100 * gain / (gain + loss) if gain + loss > 0 else 50.0
        if day >= period:
            held[day] = index < low or (held[day - 1] and index <= high)
    return held


def channel_breakout(closes: Sequence[float], entry: int, leave: int) -> list[bool]:
    """Buy above the highest of the `entry` closes before, sell below the lowest of `leave`."""
    held = [False] * len(closes)
    for day in range(max(entry, leave), len(closes)):
        if held[day - 1]:
            held[day] = closes[day] >= min(closes[day - leave : day])
        else:
            held[day] = closes[day] > max(closes[day - entry : day])
    return held


def fixed_fraction(closes: Sequence[float], fraction: float) -> list[float]:
    """Always the same share."""
    return [fraction] * len(closes)


def volatility_target(closes: Sequence[float], target: float, window: int) -> list[float]:
    """target / volatility, at most 1, rounded down to tenths so that noise causes no trades.

    Volatility is the sample standard deviation of the last `window` daily returns, times
    sqrt(252).
    """
    returns = [after / before - 1 for before, after in itertools.pairwise(closes)]
    sums = [0.0, *itertools.accumulate(returns)]
    squares = [0.0, *itertools.accumulate(change * change for change in returns)]
    sizes = [0.0] * len(closes)
    for day in range(window, len(closes)):
        total = sums[day] - sums[day - window]
        square = squares[day] - squares[day - window]
        variance = max(square - total * total / window, 1e-12) / (window - 1)
        sizes[day] = math.floor(10 * min(1.0, target / math.sqrt(252 * variance))) / 10
    return sizes


RULE_FUNCTIONS: dict[str, Callable[..., list[bool]]] = {
    function.__name__: function
    for function in (moving_average_crossover, momentum, mean_reversion, channel_breakout)
}
SIZING_FUNCTIONS: dict[str, Callable[..., list[float]]] = {
    function.__name__: function for function in (fixed_fraction, volatility_target)
}


def weights(specification: Specification, closes: Sequence[float]) -> list[float]:
    """The share of the money (0 to 1) that should be in the stock, as known at each day's close."""
    rule, sizing = specification.rule, specification.sizing
    held = RULE_FUNCTIONS[rule.kind](closes, **rule.parameters())
    sizes = SIZING_FUNCTIONS[sizing.kind](closes, **sizing.parameters())
    return [size if hold else 0.0 for hold, size in zip(held, sizes, strict=True)]

"""What is wrong, and what is only remarkable, in a stock's prices."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from workflows.strategy.prices import Prices

LONG_GAP_DAYS = 5  # a long weekend is four
LARGE_MOVE = 0.20
ADJUSTMENT = 0.05  # ordinary dividends change the ratio by about one per cent


@dataclass(frozen=True, slots=True)
class Finding:
    """One observation. With `fatal`, no return computed from these prices can be trusted."""

    kind: str
    date: str
    text: str
    fatal: bool = False


def examine(prices: Prices) -> list[Finding]:
    """Every finding about `prices`, the fatal ones first, then by date."""
    found = [*_order(prices), *_values(prices)]
    if not found:  # the ratios below would divide by what was just found to be zero
        found = [*_gaps(prices), *_adjustments(prices), *_moves(prices)]
    return sorted(found, key=lambda finding: (not finding.fatal, finding.date))


def _order(prices: Prices) -> Iterator[Finding]:
    for before, after in pairwise(prices.dates):
        if after == before:
            yield Finding("duplicate date", after, "two rows for one day", fatal=True)
        elif after < before:
            yield Finding("unordered date", after, f"comes after {before}", fatal=True)


def _values(prices: Prices) -> Iterator[Finding]:
    bars = zip(
        prices.dates,
        prices.open,
        prices.high,
        prices.low,
        prices.close,
        prices.adjusted,
        strict=True,
    )
    for day, *bar in bars:
        if not all(math.isfinite(price) and price > 0 for price in bar):
            yield Finding("bad price", day, f"{min(bar):g} is no price", fatal=True)
        elif not bar[2] <= min(bar[0], bar[3]) <= max(bar[0], bar[3]) <= bar[1]:
            yield Finding("impossible bar", day, "open or close outside low to high", fatal=True)


def _gaps(prices: Prices) -> Iterator[Finding]:
    for before, after in pairwise(prices.dates):
        days = (date.fromisoformat(after) - date.fromisoformat(before)).days
        if days > LONG_GAP_DAYS:
            yield Finding("gap", after, f"no trading for {days} days")


def _adjustments(prices: Prices) -> Iterator[Finding]:
    ratios = [
        adjusted / close for adjusted, close in zip(prices.adjusted, prices.close, strict=True)
    ]
    for day, (before, after) in zip(prices.dates[1:], pairwise(ratios), strict=True):
        factor = after / before
        if factor > 1.5:
            yield Finding("split", day, f"{factor:.3g} for 1, adjusted for")
        elif abs(factor - 1) > ADJUSTMENT:
            yield Finding("special dividend", day, f"{factor - 1:.1%} of the price, adjusted for")


def _moves(prices: Prices) -> Iterator[Finding]:
    for day, (before, after) in zip(prices.dates[1:], pairwise(prices.adjusted), strict=True):
        change = after / before - 1
        if abs(change) > LARGE_MOVE:
            yield Finding("large move", day, f"{change:+.1%} in one day")

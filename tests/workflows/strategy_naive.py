"""The strategy workflow's rules and backtest once more, slowly and by other ways than its own."""

from collections.abc import Callable
from typing import Any

import numpy as np


def weights(specification: dict[str, Any], closes: list[float]) -> list[float]:
    """The share of the money said at each close, of a specification as its JSON."""
    rule, sizing = dict(specification["rule"]), dict(specification["sizing"])
    held = RULES[rule.pop("kind")](closes, **rule)
    if sizing.pop("kind") == "fixed_fraction":
        return [sizing["fraction"] * hold for hold in held]
    return [_size(closes[: day + 1], **sizing) * hold for day, hold in enumerate(held)]


def _size(past: list[float], target: float, window: int) -> float:
    if len(past) <= window:
        return 0.0
    returns = np.diff(past)[-window:] / np.array(past[-window - 1 : -1])
    swing = float(returns.std(ddof=1)) * 252**0.5
    return int(10 * min(1.0, target / swing)) / 10


def _crossover(closes: list[float], fast: int, slow: int, band: float) -> list[bool]:
    held = [False]
    for day in range(1, len(closes) + 1):
        past = closes[:day]
        if day < slow:
            held.append(False)
        else:
            ratio = np.mean(past[-fast:]) / np.mean(past[-slow:])
            held.append(bool(ratio > (1 - band if held[-1] else 1 + band)))
    return held[1:]


def _momentum(closes: list[float], lookback: int, threshold: float, every: int) -> list[bool]:
    held = []
    for day in range(len(closes)):
        decided = day - day % every  # the latest day of decision
        ready = decided >= lookback
        held.append(ready and closes[decided] / closes[decided - lookback] - 1 > threshold)
    return held


def _reversion(closes: list[float], period: int, low: int, high: int) -> list[bool]:
    ups, downs, held = [0.0], [0.0], [False]
    for change in np.diff(closes):
        ups.append(ups[-1] * (1 - 1 / period) + max(change, 0) / period)
        downs.append(downs[-1] * (1 - 1 / period) + max(-change, 0) / period)
        strength = 100 - 100 / (1 + ups[-1] / downs[-1]) if downs[-1] else 100.0
        bought = strength < low or (held[-1] and strength <= high)
        held.append(len(held) >= period and bool(bought))
    return held


def _breakout(closes: list[float], entry: int, leave: int) -> list[bool]:
    held: list[bool] = []
    for day, close in enumerate(closes):
        if day < max(entry, leave):
            held.append(False)
        elif held[-1]:
            held.append(not all(close < before for before in closes[day - leave : day]))
        else:
            held.append(all(close > before for before in closes[day - entry : day]))
    return held


RULES: dict[str, Callable[..., list[bool]]] = {
    "moving_average_crossover": _crossover,
    "momentum": _momentum,
    "mean_reversion": _reversion,
    "channel_breakout": _breakout,
}


def one_stock(
    said: list[float], closes: list[float], first: int, cost: float
) -> tuple[list[float], int]:
    """One stock's money from day `first` on, and its trades; by returns instead of by shares."""
    money, invested, trades, weight = 1.0, 0.0, 0, 0.0
    path: list[float] = []
    for day in range(first, len(closes)):
        if path:
            growth = closes[day] / closes[day - 1]
            money += invested * (growth - 1)
            invested *= growth
        wanted = said[day - 1] if day else 0.0
        if wanted != weight:
            fee = 0.0
            for _ in range(200):  # the fee lowers the money that the weight is a share of
                fee = cost * abs(wanted * (money - fee) - invested)
            money -= fee
            invested, weight, trades = wanted * money, wanted, trades + 1
        path.append(money)
    return path, trades


def figures(equity: list[float]) -> dict[str, float]:
    """The figures of a curve of money that starts from 1."""
    money = np.array([1.0, *equity])
    returns = money[1:] / money[:-1] - 1
    return {
        "days": len(returns),
        "total_return": float(money[-1] - 1),
        "annual_return": float(money[-1] ** (252 / len(returns)) - 1),
        "volatility": float(returns.std(ddof=1) * 252**0.5),
        "sharpe": float(returns.mean() / returns.std(ddof=1) * 252**0.5),
        "max_drawdown": max(
            float(1 - money[day] / money[: day + 1].max()) for day in range(len(money))
        ),
    }

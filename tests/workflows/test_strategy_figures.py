"""Prices, signals, backtests and figures of the strategy workflow, against plain arithmetic."""

import csv
import dataclasses
import gzip
import math
from importlib.resources import files
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workflows import strategy_naive as naive
from workflows.strategy import backtest, prices, quality, search
from workflows.strategy.backtest import Curve, Years
from workflows.strategy.figures import best_by_luck, max_drawdown, measure
from workflows.strategy.prices import Prices
from workflows.strategy.signals import weights
from workflows.strategy.specification import (
    ChannelBreakout,
    FixedFraction,
    MeanReversion,
    Momentum,
    MovingAverageCrossover,
    Specification,
    VolatilityTarget,
)

SPECIFICATIONS = {
    "crossover": Specification(rule=MovingAverageCrossover(fast=20, slow=100)),
    "crossover with a band": Specification(
        rule=MovingAverageCrossover(fast=5, slow=40, band=0.02), sizing=FixedFraction(fraction=0.4)
    ),
    "momentum": Specification(
        rule=Momentum(lookback=120, threshold=0.05, every=10),
        sizing=VolatilityTarget(target=0.2, window=40),
    ),
    "mean reversion": Specification(rule=MeanReversion(period=5, low=30, high=60)),
    "breakout": Specification(
        rule=ChannelBreakout(entry=55, leave=20), sizing=VolatilityTarget(target=0.3, window=20)
    ),
}
each_specification = pytest.mark.parametrize("name", SPECIFICATIONS)

walks = st.lists(st.floats(-0.09, 0.1), min_size=1, max_size=400).map(
    lambda steps: [float(price) for price in 50 * np.cumprod(1 + np.array(steps))]
)
specifications = st.builds(
    lambda kind, seed: search.sample(kind, Random(seed)),
    st.sampled_from(search.RULE_KINDS),
    st.integers(0, 10_000),
)


def stock(closes: list[float], symbol: str = "X") -> Prices:
    """A stock with these adjusted closes, on successive days of one year."""
    column = tuple(closes)
    dates = tuple(f"2001-{1 + day // 28:02}-{1 + day % 28:02}" for day in range(len(closes)))
    volume = (1,) * len(closes)
    return Prices(symbol, dates, column, column, column, column, volume, column)


def test_prices_are_the_table() -> None:
    """Every row of the table becomes one day of its stock, in the table's order."""
    packed = files("bokeh_sampledata").joinpath("_data/stocks.csv.gz").read_bytes()
    rows = list(csv.DictReader(gzip.decompress(packed).decode().splitlines()))
    for ticker in prices.TICKERS:
        loaded = prices.load(ticker)
        of_ticker = [row for row in rows if row["Ticker"] == ticker]
        assert list(loaded.dates) == [row["Date"] for row in of_ticker]
        assert list(loaded.adjusted) == [float(row["Adj Close"]) for row in of_ticker]
        assert list(loaded.high) == [float(row["High"]) for row in of_ticker]


def test_an_unknown_stock_is_the_tables_fault() -> None:
    """A stock that the table lacks is named in the error."""
    with pytest.raises(prices.PricesUnavailableError, match="no rows for NONE"):
        prices.load("NONE")


def test_years_are_whole() -> None:
    """A span of years holds exactly the days whose date begins with one of them."""
    aapl = prices.load("AAPL")
    days = aapl.between(2004, 2006)
    assert [aapl.dates[day] for day in days] == [
        date for date in aapl.dates if date[:4] in {"2004", "2005", "2006"}
    ]
    assert not prices.load("FB").between(2000, 2006)


def test_splits_dividends_gaps_and_crashes_are_found() -> None:
    """What happened to these stocks, as the newspapers have it, is found and nothing is fatal."""
    found = {
        (symbol, finding.kind, finding.date)
        for symbol in prices.TICKERS
        for finding in quality.examine(prices.load(symbol))
    }
    assert found == {
        ("AAPL", "split", "2000-06-21"),
        ("AAPL", "split", "2005-02-28"),
        ("AAPL", "large move", "2000-09-29"),
        ("AAPL", "gap", "2001-09-17"),
        ("IBM", "gap", "2001-09-17"),
        ("MSFT", "gap", "2001-09-17"),
        ("MSFT", "split", "2003-02-18"),
        ("MSFT", "special dividend", "2004-11-15"),
    }


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("adjusted", 0.0, "bad price"),
        ("close", -1.0, "bad price"),
        ("open", math.nan, "bad price"),
        ("low", 1e6, "impossible bar"),
        ("dates", "2001-01-01", "duplicate date"),
        ("dates", "1999-01-01", "unordered date"),
    ],
)
def test_what_spoils_returns_is_fatal(column: str, value: object, kind: str) -> None:
    """Prices that are none, and days out of order, are fatal and come first."""
    whole = stock([10.0, 11.0, 12.0])
    values = list(getattr(whole, column))
    values[1] = value
    spoiled = dataclasses.replace(whole, **{column: tuple(values)})  # type: ignore[arg-type]
    finding = quality.examine(spoiled)[0]
    assert (finding.kind, finding.fatal) == (kind, True)


@settings(max_examples=60, deadline=None)
@given(specifications, walks, st.integers(0, 400), st.floats(0.2, 5))
def test_no_weight_knows_the_future(
    specification: Specification, closes: list[float], cut: int, factor: float
) -> None:
    """Whatever happens to prices after a day, the weights up to that day stay the same."""
    changed = closes[:cut] + [close * factor for close in closes[cut:]]
    assert weights(specification, closes)[:cut] == weights(specification, changed)[:cut]
    assert weights(specification, closes)[:cut] == weights(specification, closes[:cut])


@each_specification
def test_a_weight_is_traded_a_day_later(name: str) -> None:
    """What is said at one close is traded at the next: a day earns by what was said two before."""
    closes = list(prices.load("AAPL").adjusted[:250])
    said = weights(SPECIFICATIONS[name], closes)
    curve = backtest.run(SPECIFICATIONS[name], [stock(closes)], Years(2001, 2001), 0)
    for day in range(2, 250):
        moved = abs(curve.equity[day] / curve.equity[day - 1] - 1) > 1e-12
        assert moved == (said[day - 2] > 0 and closes[day] != closes[day - 1])
    assert any(said[:-2])


@each_specification
def test_weights_against_naive_rules(name: str) -> None:
    """Each rule and sizing says on real prices what a slow rewriting of it says."""
    closes = list(prices.load("MSFT").adjusted[:1200])
    expected = naive.weights(SPECIFICATIONS[name].model_dump(), closes)
    assert weights(SPECIFICATIONS[name], closes) == pytest.approx(expected)
    assert len(set(expected)) > 1


@each_specification
@pytest.mark.parametrize("cost_bps", [0, 5, 100])
def test_backtest_against_a_loop(name: str, cost_bps: int) -> None:
    """Two stocks' money, trades and figures are what a plain loop over their returns gives."""
    symbols = ("IBM", "MSFT")
    specification = SPECIFICATIONS[name]
    stocks = [prices.load(symbol) for symbol in symbols]
    curve = backtest.run(specification, stocks, Years(2000, 2004), cost_bps)
    paths, trades = [], 0
    for each in stocks:
        closes = [
            close for date, close in zip(each.dates, each.adjusted, strict=True) if date < "2005"
        ]
        said = naive.weights(specification.model_dump(), closes)
        path, traded = naive.one_stock(said, closes, 0, cost_bps / 10_000)
        paths.append(path)
        trades += traded
    money = np.mean(np.array(paths), axis=0)
    assert curve.trades == trades
    np.testing.assert_allclose(curve.equity, money, rtol=1e-9)
    check_figures(curve)


def check_figures(curve: Curve) -> None:
    """Recompute a curve's figures with numpy."""
    measured = dataclasses.asdict(curve.figures())
    for name, value in naive.figures(list(curve.equity)).items():
        assert measured[name] == pytest.approx(value), name


def test_buy_and_hold_is_the_mean_of_the_stocks() -> None:
    """Held money is the mean of the stocks' growth since their first close, less one cost."""
    stocks = [prices.load(symbol) for symbol in ("AAPL", "GOOG")]
    curve = backtest.buy_and_hold(stocks, Years(2003, 2009), 10)
    growth = []
    for each in stocks:
        closes = {
            date: close
            for date, close in zip(each.dates, each.adjusted, strict=True)
            if "2003" <= date < "2010"
        }
        bought = 1 / (1.001 * next(iter(closes.values())))
        growth.append([bought * closes[date] if date in closes else 1.0 for date in curve.dates])
    np.testing.assert_allclose(curve.equity, np.mean(np.array(growth), axis=0), rtol=1e-9)
    assert curve.trades == 2
    check_figures(curve)


@each_specification
def test_costs_reduce(name: str) -> None:
    """The dearer the trades, the less money; without trades costs change nothing."""
    stocks = [prices.load("AAPL"), prices.load("IBM")]
    ends = [
        backtest.run(SPECIFICATIONS[name], stocks, Years(2000, 2006), cost).equity[-1]
        for cost in (0, 5, 20, 100)
    ]
    assert ends == sorted(ends, reverse=True)
    assert len(set(ends)) == 4


@settings(max_examples=40, deadline=None)
@given(specifications, walks, st.floats(0, 100))
def test_money_is_never_borrowed(
    specification: Specification, closes: list[float], cost_bps: float
) -> None:
    """Whatever the prices do, money stays positive and what is in stocks is not more than it."""
    curve = backtest.run(specification, [stock(closes)], Years(2001, 2001), cost_bps)
    assert min(curve.equity) > 0
    assert 0 <= curve.exposure <= 1 + 1e-9


def test_later_years_are_not_read() -> None:
    """A backtest over early years is the same when later prices are different."""
    aapl = prices.load("AAPL")
    later = aapl.between(2007, 2013)
    other = dataclasses.replace(aapl, adjusted=aapl.adjusted[: later.start] + (1.0,) * len(later))
    for specification in SPECIFICATIONS.values():
        assert backtest.run(specification, [aapl], Years(2000, 2006), 5) == backtest.run(
            specification, [other], Years(2000, 2006), 5
        )


def test_figures_of_nothing_are_finite() -> None:
    """Money that never moves, and no days at all, have figures that are JSON."""
    for equity in ([], [1.0], [1.0, 1.0, 1.0]):
        figures = measure(equity, 0, 0.0, [0.0])
        assert all(math.isfinite(value) for value in dataclasses.astuple(figures))
        assert figures.sharpe == 0


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=60))
def test_drawdown_is_the_worst_pair(equity: list[float]) -> None:
    """The drawdown is the greatest fall between any two days, the start included."""
    money = [1.0, *equity]
    worst = max(1 - later / earlier for at, earlier in enumerate(money) for later in money[at:])
    assert max_drawdown(equity) == pytest.approx(worst)


def test_luck_grows_with_tries() -> None:
    """The best of many tries without merit is as good as simulation says, and better with more."""
    generator = np.random.default_rng(5)
    for tries in (10, 100):
        best = generator.normal(0, 0.3, (20_000, tries)).max(axis=1).mean()
        sample = [0.3 * (-1) ** number for number in range(tries)]
        spread = 0.3 / np.std(sample, ddof=1)
        assert best_by_luck(sample) * spread == pytest.approx(best, rel=0.05)
    assert best_by_luck([1.0]) == 0


def test_concentration_is_the_best_stocks_share() -> None:
    """Concentration is the best stock's part of all gains; losses are no gains."""
    assert measure([1.1], 1, 1.0, [0.3, 0.1, -0.2]).concentration == pytest.approx(0.75)
    assert measure([0.9], 1, 1.0, [-0.3, -0.1]).concentration == 0


def test_the_calendar_of_a_late_stock() -> None:
    """A stock that is not listed yet is cash, and joins on its first day."""
    curve = backtest.buy_and_hold([prices.load("AAPL"), prices.load("GOOG")], Years(2004, 2004), 0)
    alone = backtest.buy_and_hold([prices.load("AAPL")], Years(2004, 2004), 0)
    for date, both, one in zip(curve.dates, curve.equity, alone.equity, strict=True):
        if date <= "2004-08-19":
            assert both == pytest.approx((1 + one) / 2)
    assert all(before < after for before, after in pairwise(curve.dates))

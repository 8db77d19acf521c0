"""What the strategy workflow may propose, plan and show, and what its desk refuses."""

import ast
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from workflows.strategy.backtest import Years
from workflows.strategy.desk import Desk, HeldOutError
from workflows.strategy.figures import Figures
from workflows.strategy.plan import Criteria, Plan, Split, shortfalls, split_years
from workflows.strategy.rendering import render
from workflows.strategy.search import RULE_KINDS, neighbours, sample
from workflows.strategy.specification import (
    RULES,
    SIZINGS,
    ChannelBreakout,
    Momentum,
    Specification,
)

kinds = st.sampled_from(RULE_KINDS)
seeds = st.integers(0, 2**31)

GOOD = Figures(
    days=500,
    total_return=0.5,
    annual_return=0.2,
    volatility=0.2,
    sharpe=1.0,
    max_drawdown=0.2,
    trades=50,
    exposure=0.5,
    concentration=0.5,
)
HOLDING = replace(GOOD, sharpe=0.8)
WEAK = replace(HOLDING, sharpe=0.1)

FAULTS: dict[str, tuple[Figures, Figures, Figures, list[str]]] = {
    "none": (GOOD, GOOD, HOLDING, []),
    "few trades": (replace(GOOD, trades=19), GOOD, HOLDING, ["few_trades"]),
    "one stock": (replace(GOOD, concentration=0.61), GOOD, HOLDING, ["concentrated"]),
    "fell in training": (replace(GOOD, max_drawdown=0.31), GOOD, HOLDING, ["drawdown"]),
    "fell in validation": (GOOD, replace(GOOD, max_drawdown=0.31), HOLDING, ["drawdown"]),
    "weak": (replace(GOOD, sharpe=0.6), replace(GOOD, sharpe=0.49), WEAK, ["weak"]),
    "faded": (replace(GOOD, sharpe=2.5), GOOD, HOLDING, ["faded"]),
    "worse than holding": (GOOD, replace(GOOD, sharpe=0.7), HOLDING, ["below_holding"]),
}

SPLITS: dict[str, Callable[[], Split]] = {
    "a hole": lambda: Split(
        train=Years(2000, 2003), validation=Years(2005, 2006), held_out=Years(2007, 2008)
    ),
    "an overlap": lambda: Split(
        train=Years(2000, 2005), validation=Years(2005, 2006), held_out=Years(2007, 2008)
    ),
    "the held-out years first": lambda: Split(
        train=Years(2003, 2005), validation=Years(2006, 2008), held_out=Years(2000, 2002)
    ),
    "nothing": lambda: Split(
        train=Years(2000, 2005), validation=Years(2006, 2005), held_out=Years(2006, 2008)
    ),
}


@settings(max_examples=60, deadline=None)
@given(kinds, seeds, st.text(max_size=300))
def test_rendering_compiles_and_names_every_parameter(kind: str, seed: int, reason: str) -> None:
    """The shown code is Python, sets every parameter to its value, and no reason becomes code."""
    specification = sample(kind, Random(seed))
    source = render(specification, reason)
    compile(source, "strategy.py", "exec")
    tree = ast.parse(source)
    constants = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    parameters = specification.rule.parameters() | specification.sizing.parameters()
    assert constants == {name.upper(): value for name, value in parameters.items()}
    without = ast.parse(render(specification))
    assert ast.dump(tree) == ast.dump(without)


def test_no_reason_ends_its_comment() -> None:
    """Line ends, NUL and their Unicode relatives in a reason stay inside the comment."""
    specification = sample("momentum", Random(1))
    for end in "\n\r\0\x0b\x0c\x1c\x85\u2028\u2029":
        source = render(specification, f"fine{end}import os")
        assert ast.dump(ast.parse(source)) == ast.dump(ast.parse(render(specification)))


def test_parameters_of_rule_and_sizing_have_different_names() -> None:
    """A rule and a sizing share no parameter name, so each is one constant in the shown code."""
    for rule, sizing in itertools.product(RULES, SIZINGS):
        shared = set(rule.model_fields) & set(sizing.model_fields)
        assert shared == {"kind"}


@settings(max_examples=60, deadline=None)
@given(kinds, seeds)
def test_search_stays_in_the_space(kind: str, seed: int) -> None:
    """Samples and neighbours are valid, and a neighbour differs in one parameter."""
    centre = sample(kind, Random(seed))
    assert centre.rule.kind == kind
    for near in itertools.islice(neighbours(centre, Random(seed)), 5):
        again = Specification.model_validate(json.loads(near.model_dump_json()))
        assert again == near
        before = centre.rule.parameters() | centre.sizing.parameters()
        after = near.rule.parameters() | near.sizing.parameters()
        assert sum(before[name] != after[name] for name in before) == 1


def test_search_is_the_seeds() -> None:
    """The same seed walks the same way, another seed another."""

    def walk(seed: int) -> list[Specification]:
        centre = sample("momentum", Random(seed))
        return [centre, *itertools.islice(neighbours(centre, Random(seed)), 6)]

    assert walk(1) == walk(1)
    assert walk(1) != walk(2)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "momentum", "lookback": 10},
        {"kind": "momentum", "lookback": 100, "threshold": float("nan")},
        {"kind": "momentum", "lookback": 100, "stop": 1},
        {"kind": "moving_average_crossover", "fast": 50, "slow": 20},
        {"kind": "martingale"},
    ],
)
def test_what_is_outside_is_refused(rule: dict[str, object]) -> None:
    """A rule out of its bounds, with foreign parameters or of another kind is no specification."""
    with pytest.raises(ValidationError):
        Specification.model_validate({"rule": rule})


@given(st.integers(2000, 2013), st.integers(2000, 2013))
def test_the_split_covers_the_years_in_order(first: int, last: int) -> None:
    """Train, validation and held-out years follow each other and cover what was asked for."""
    if last - first < 2:
        with pytest.raises(ValueError, match="three years"):
            split_years(first, last)
        return
    split = split_years(first, last)
    spans = (split.train, split.validation, split.held_out)
    years = [year for span in spans for year in range(span.first, span.last + 1)]
    assert years == list(range(first, last + 1))
    assert all(span.first <= span.last for span in spans)


@pytest.mark.parametrize("name", SPLITS)
def test_a_split_that_leaks_is_refused(name: str) -> None:
    """Spans that overlap, leave years out, or come in another order are no split."""
    with pytest.raises(ValidationError):
        SPLITS[name]()


@pytest.mark.parametrize("name", FAULTS)
def test_each_criterion_misses_alone(name: str) -> None:
    """Just past a criterion's limit, that fault and no other is found."""
    train, validation, holding, faults = FAULTS[name]
    found = shortfalls(Criteria(), train, validation, holding)
    assert [each.fault for each in found] == faults


async def test_held_out_years_are_read_once_and_last() -> None:
    """Nobody reads the held-out years before the decision, twice, or for a second strategy."""
    desk = Desk(["IBM"], 2000, 2013, 5)
    desk.plan = Plan(split=split_years(2000, 2013))
    desk.stocks = {"IBM": desk.prices("IBM")}
    first = Specification(rule=Momentum(lookback=100))
    desk.propose(first)
    desk.measure("train")
    with pytest.raises(HeldOutError, match="before the decision"):
        desk.measure("held_out")
    desk.decide(first)
    measured = desk.measure("held_out")
    assert {date[:4] for date in measured.strategy.dates} == {"2010", "2011", "2012", "2013"}
    with pytest.raises(HeldOutError, match="already"):
        desk.measure("held_out")
    with pytest.raises(HeldOutError, match="nothing may be proposed"):
        desk.propose(Specification(rule=ChannelBreakout(entry=50, leave=20)))


async def test_candidates_are_compared_on_training_years_only() -> None:
    """Evaluating candidates reads no day after the training years, and counts each try."""
    desk = Desk(["IBM"], 2000, 2013, 5)
    desk.plan = Plan(split=split_years(2000, 2013))
    whole = desk.prices("IBM")
    candidates = [sample(kind, Random(3)) for kind in RULE_KINDS]
    found = []
    for scale in (1.0, 3.0):
        adjusted = tuple(
            close * (scale if date >= "2007" else 1.0)
            for date, close in zip(whole.dates, whole.adjusted, strict=True)
        )
        desk.stocks = {"IBM": replace(whole, adjusted=adjusted)}
        found.append(await desk.evaluate(candidates))
    assert found[0] == found[1]
    assert len(desk.tried) == 8


def test_a_stock_without_enough_prices_is_objected_to() -> None:
    """FB, listed in 2012, cannot serve years before; IBM can."""
    desk = Desk(["FB", "IBM"], 2000, 2013, 5)
    desk.plan = Plan(split=split_years(2000, 2013))
    assert desk.inspect("FB").objection == "it has 0 days of prices in the training years"
    assert desk.inspect("IBM").objection is None

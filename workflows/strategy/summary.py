"""What a run leaves behind: its result, and the artifacts of its report."""

import json
from dataclasses import asdict
from typing import Any

from workflows.strategy.desk import Desk, Measured
from workflows.strategy.plan import PERIODS


def beside_holding(measured: Measured) -> dict[str, Any]:
    """The figures of a strategy and of buy-and-hold, unrounded."""
    return {
        "strategy": asdict(measured.strategy.figures()),
        "buy_and_hold": asdict(measured.holding.figures()),
    }


def result(desk: Desk, accepted: bool, rounds: int, left_out: dict[str, str]) -> dict[str, Any]:
    """The run's result. All three periods of the chosen strategy must be measured."""
    return {
        "accepted": accepted,
        "rounds": rounds,
        "candidates": len(desk.tried),
        "sharpe_by_luck": desk.luck(),
        "missed": [each.text for each in desk.shortfalls()],
        "description": desk.proposal.describe(),
        "specification": desk.proposal.model_dump(),
        "symbols": list(desk.stocks),
        "left_out": left_out,
        "cost_bps": desk.cost_bps,
        "years": {period: asdict(desk.plan.split.years(period)) for period in PERIODS},
        "figures": {period: beside_holding(desk.known(period)) for period in PERIODS},
    }


def figures(outcome: dict[str, Any]) -> str:
    """The result as the text of a JSON file."""
    return json.dumps(outcome, indent=2, allow_nan=False) + "\n"


def equity(desk: Desk) -> str:
    """CSV: the money at each day's close, of the strategy and of buy-and-hold.

    Both start every period from 1: they are three measurements, not one account.
    """
    lines = ["date,period,strategy,buy_and_hold"]
    for period in PERIODS:
        measured = desk.known(period)
        days = zip(
            measured.strategy.dates, measured.strategy.equity, measured.holding.equity, strict=True
        )
        lines += [f"{date},{period},{money:.6f},{held:.6f}" for date, money, held in days]
    return "\n".join(lines) + "\n"

"""How the agents act where no model is configured: a search that is real, told in plain words.

Each policy is a pure function of its assignment and of the tool results so far, so a run with the
same input and seed does the same thing. They use the same tools and answer with the same types as
a model does, and know nothing else.
"""

import inspect
from itertools import islice
from random import Random
from typing import Any

from workflows.strategy.plan import split_years
from workflows.strategy.search import RULE_KINDS, neighbours, sample
from workflows.strategy.specification import Specification
from workflows.strategy.thinking import Move, Policy

SAMPLES, STEPS = 5, 6  # candidates for each kind of rule; neighbours in each refinement
REFINEMENTS = 2

Facts = dict[str, Any]


def plan(task: Facts, results: list[Any]) -> Move:
    """Half of the years to train, a fifth to validate, the rest held out."""
    years = f"{task['first_year']} to {task['last_year']}"
    if not results:
        stocks = ", ".join(task["symbols"])
        text = f"We look for one strategy for {stocks}, {years}. First: which days have prices?"
        return Move(text, [("coverage", {})])
    split = split_years(task["first_year"], task["last_year"]).model_dump()
    spans = {name: f"{span['first']} to {span['last']}" for name, span in split.items()}
    return Move(
        f"Candidates are compared on {spans['train']}. The Critic judges on {spans['validation']}. "
        f"{spans['held_out']} is held out: nobody reads it before the decision, and then once. "
        f"There are at most {task['rounds']} rounds, because each one spends some of what the "
        "validation years can tell.",
        answer={"split": split},
    )


def check_prices(task: Facts, results: list[Any]) -> Move:
    """Refuse what the checks object to; mention what is remarkable."""
    symbol = task["symbol"]
    if not results:
        return Move(
            f"Reading the daily prices of {symbol}.", [("inspect_prices", {"symbol": symbol})]
        )
    (inspection,) = results
    if inspection["objection"]:
        reason = f"{symbol} is left out: {inspection['objection']}."
        return Move(reason, answer={"symbol": symbol, "usable": False, "reason": reason})
    notes = [
        f"{each['kind']} on {each['date']} ({each['text']})" for each in inspection["findings"]
    ]
    days = sum(inspection["days"].values())
    reason = f"{symbol} can be used: {days} days without a fault."
    remarks = f" Worth knowing: {'; '.join(notes)}." if notes else ""
    return Move(reason + remarks, answer={"symbol": symbol, "usable": True, "reason": reason})


def generate(task: Facts, results: list[Any]) -> Move:
    """Samples of every kind of rule that is still open, then neighbours of the best."""
    random = Random(f"{task['seed']}/{task['round']}")  # noqa: S311 - nothing secret
    kinds = _open_kinds(task)
    batches = [[sample(kind, random) for _ in range(SAMPLES)] for kind in kinds]
    scored: list[tuple[float, Specification]] = []
    for number in range(len(kinds) + REFINEMENTS):
        if number >= len(kinds):
            centre = max(scored, key=lambda each: each[0])[1]
            batches.append(list(islice(neighbours(centre, random), STEPS)))
        if number == len(results):
            return Move(_intention(task, kinds, number, scored), [_evaluation(batches[number])])
        rows = zip(results[number], batches[number], strict=True)
        scored += [(_score(row, task), candidate) for row, candidate in rows]
    score, best = max(scored, key=lambda each: each[0])
    rationale = (
        f"The best of {len(scored)} candidates on the training years, with a score of {score:.2f}: "
        f"{best.describe()}. {inspect.getdoc(type(best.rule))}"
    )
    return Move(rationale, answer={"specification": best.model_dump(), "rationale": rationale})


def backtest(task: Facts, results: list[Any]) -> Move:
    """Measure every period of the assignment, then say what came out."""
    periods = task["periods"]
    if len(results) < len(periods):
        period = periods[len(results)]
        costs = f"at {task['cost_bps']:g} basis points a trade"
        text = f"Running it over the {_words(period)} years, {costs}."
        return Move(text, [("backtest", {"period": period})])
    said = [
        f"{_words(period).capitalize()}: {_told(result['strategy'])}, "
        f"{result['strategy']['trades']} trades; buy-and-hold {_told(result['buy_and_hold'])}."
        for period, result in zip(periods, results, strict=True)
    ]
    return Move(" ".join(said))


def judge(_task: Facts, results: list[Any]) -> Move:
    """Accept what misses no criterion; otherwise say which and by how much."""
    if not results:
        return Move("Setting the figures beside the criteria.", [("compare", {})])
    (facts,) = results
    luck = (
        f"The best of {facts['candidates']} candidates would have a training Sharpe of about "
        f"{facts['sharpe_by_luck']:.2f} by luck alone; this one has {facts['train']['sharpe']:.2f}."
    )
    missed = [each["text"] for each in facts["missed"]]
    if missed:
        text = f"Not yet: {'; '.join(missed)}. {luck}"
        return Move(text, answer={"accept": False, "reasons": missed})
    reason = "it meets every criterion on years that it was not fitted to"
    return Move(f"Accepted: {reason}. {luck}", answer={"accept": True, "reasons": [reason]})


def report(task: Facts, results: list[Any]) -> Move:
    """The figures in words, with what they are worth."""
    if not results:
        return Move("", [("results", {})])
    (facts,) = results
    held, hold = facts["held_out"]["strategy"], facts["held_out"]["buy_and_hold"]
    verdict = (
        "was accepted" if task["accepted"] else "missed the fewest criteria and was not accepted"
    )
    better = "more" if held["sharpe"] > hold["sharpe"] else "less"
    return Move(
        f"The strategy is {facts['strategy']}, on {', '.join(task['symbols'])}. It {verdict}, "
        f"after {facts['candidates']} candidates. "
        f"In training: {_told(facts['train']['strategy'])}. "
        f"In validation: {_told(facts['validation']['strategy'])}.\n\n"
        f"In the held-out years, read once and after the decision: {_told(held)}, against "
        f"{_told(hold)} for buying and holding. For the risk taken it earned {better} than "
        "holding. One span of a few years on a handful of stocks that are known to have survived "
        "is weak evidence, whichever way it points."
    )


POLICIES: dict[str, Policy] = {
    "Supervisor": plan,
    "DataAgent": check_prices,
    "CodeGenerator": generate,
    "Backtester": backtest,
    "Critic": judge,
    "Reporter": report,
}


def _open_kinds(task: Facts) -> list[str]:
    """Every kind of rule but those that were sent back, unless that leaves none."""
    refused = {each["specification"]["rule"]["kind"] for each in task["sent_back"]}
    return [kind for kind in RULE_KINDS if kind not in refused] or list(RULE_KINDS)


def _evaluation(candidates: list[Specification]) -> tuple[str, dict[str, Any]]:
    return ("evaluate", {"candidates": [candidate.model_dump() for candidate in candidates]})


def _intention(
    task: Facts, kinds: list[str], number: int, scored: list[tuple[float, Specification]]
) -> str:
    if number < len(kinds):
        start = ""
        if number == 0 and task["sent_back"]:
            faults = ", ".join(_words(fault) for fault in task["sent_back"][-1]["faults"])
            start = (
                f"The last proposal was sent back ({faults}), so its kind of rule is set aside. "
            )
        return f"{start}{SAMPLES} samples of {_words(kinds[number])}."
    score, best = max(scored, key=lambda each: each[0])
    return f"Best so far, with {score:.2f}: {best.describe()}. Now {STEPS} of its neighbours."


def _score(row: Facts, task: Facts) -> float:
    """The Sharpe ratio, less what the training years already show to be missed.

    That the gains come from one stock is looked at once the Critic has complained of it.
    """
    criteria = task["criteria"]
    told = any("concentrated" in each["faults"] for each in task["sent_back"])
    lopsided: float = (
        max(0.0, row["concentration"] - criteria["max_concentration"]) if told else 0.0
    )
    excess: float = max(0.0, row["max_drawdown"] - criteria["max_drawdown"])
    few = 1.0 if row["trades"] < criteria["min_trades"] else 0.0
    sharpe: float = row["sharpe"]
    return sharpe - 5 * (excess + lopsided) - few


def _told(figures: Facts) -> str:
    return (
        f"{figures['annual_return']:+.1%} a year, Sharpe {figures['sharpe']:.2f}, "
        f"drawdown {figures['max_drawdown']:.0%}"
    )


def _words(name: str) -> str:
    known = {"train": "training", "held_out": "held-out", "few_trades": "too few trades"}
    known |= {"below_holding": "worse than holding", "concentrated": "gains from one stock"}
    return known.get(name, name.replace("_", " "))

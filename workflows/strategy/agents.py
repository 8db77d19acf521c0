"""The six agents: what each is told, what it may use, what it must answer.

They are pydantic-ai agents without a model of their own; the run gives each the model it thinks
with. All figures come from tools. What an answer must be, its type says, and what else must hold
is checked by a validator, which sends the model back with the reason.
"""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_ai import Agent, ModelRetry, RunContext

from workflows.strategy.desk import Desk, HeldOutError
from workflows.strategy.figures import Figures
from workflows.strategy.plan import PERIODS, Period, Plan
from workflows.strategy.specification import Specification

Words = Annotated[str, Field(min_length=1, max_length=2000)]
MOST_CANDIDATES = 12


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Usable(_Answer):
    """Whether one stock's prices can be used, and why."""

    symbol: str
    usable: bool
    reason: Words


class Proposal(_Answer):
    """A strategy, and why it should work."""

    specification: Specification
    rationale: Words


class Verdict(_Answer):
    """What the Critic says of a proposal."""

    accept: bool
    reasons: Annotated[list[Words], Field(min_length=1, max_length=10)]


_SPEAK = "Before you call a tool or answer, say in one or two plain sentences what you do and why. "

supervisor = Agent(
    name="Supervisor",
    deps_type=Desk,
    output_type=Plan,
    retries=3,
    instructions=_SPEAK
    + "You lead a small team that looks for a trading strategy on daily prices. Look at which "
    "years have prices, then split the given years into train, validation and held_out, in this "
    "order, and set the criteria that a strategy has to meet. Leave a fifth of the years held out.",
)

data_agent = Agent(
    name="DataAgent",
    deps_type=Desk,
    output_type=Usable,
    retries=3,
    instructions=_SPEAK
    + "You check the daily prices of one stock. Inspect them; say whether they can be used. Splits "
    "and dividends are adjusted for and large moves are real: they are no reason to refuse.",
)

code_generator = Agent(
    name="CodeGenerator",
    deps_type=Desk,
    output_type=Proposal,
    retries=3,
    instructions=_SPEAK
    + "You design a trading strategy within the given specification: one rule, one sizing, the "
    "same for all stocks. Evaluate candidates on the training years, several at a time, and "
    "propose the one you trust most: simple, with enough trades, at the centre of a good region "
    "rather than on a lucky peak. Where proposals were sent back, answer their faults.",
)

backtester = Agent(
    name="Backtester",
    deps_type=Desk,
    output_type=str,
    retries=3,
    instructions=_SPEAK
    + "You run a proposed strategy over the periods you are given and report the figures beside "
    "buy-and-hold, exactly as measured, without judging them.",
)

critic = Agent(
    name="Critic",
    deps_type=Desk,
    output_type=Verdict,
    retries=3,
    instructions=_SPEAK
    + "You judge a proposed strategy by the training and validation figures and the criteria. You "
    "never see the held-out years. Look for over-fitting, luck, drawdown, too few trades. A "
    "proposal that misses a criterion cannot be accepted.",
)

reporter = Agent(
    name="Reporter",
    deps_type=Desk,
    output_type=str,
    retries=3,
    instructions="Report the result to somebody who would put money on it. Read the figures, then "
    "write at most two short paragraphs: what the strategy does, what it did in sample and in the "
    "held-out years beside buy-and-hold, how many candidates were tried, and whether it is to be "
    "trusted. Invent no figure and promise nothing.",
)


def row(figures: Figures) -> dict[str, float | int]:
    """The figures as an agent reads them."""
    return {name: round(value, 4) for name, value in asdict(figures).items()}


@supervisor.tool
async def coverage(run: RunContext[Desk]) -> dict[str, Any]:
    """The first and the last day with a price, and the number of days, of each stock."""
    loaded = {symbol: run.deps.prices(symbol) for symbol in run.deps.symbols}
    return {
        symbol: {"first": stock.dates[0], "last": stock.dates[-1], "days": len(stock.dates)}
        for symbol, stock in loaded.items()
    }


@supervisor.output_validator
async def covers_all_years(run: RunContext[Desk], plan: Plan) -> Plan:
    """The plan is for the years that were asked for, no more and no less."""
    years = (plan.split.train.first, plan.split.held_out.last)
    if years != (run.deps.first, run.deps.last):
        raise ModelRetry(f"the split must cover {run.deps.first} to {run.deps.last} exactly")
    return plan


@data_agent.tool
async def inspect_prices(run: RunContext[Desk], symbol: str) -> dict[str, Any]:
    """Check a stock's prices: days in each period, everything remarkable, and any objection."""
    if symbol not in run.deps.symbols:
        raise ModelRetry(f"the stocks of this run are {', '.join(run.deps.symbols)}")
    return asdict(run.deps.inspect(symbol))


@data_agent.output_validator
async def overrules_no_objection(run: RunContext[Desk], answer: Usable) -> Usable:
    """The checks have the last word: a model may refuse more than they do, never less."""
    if answer.symbol not in run.deps.symbols:
        raise ModelRetry(f"the stocks of this run are {', '.join(run.deps.symbols)}")
    objection = run.deps.inspect(answer.symbol).objection
    if answer.usable and objection:
        raise ModelRetry(f"{answer.symbol} cannot be used: {objection}")
    return answer


@code_generator.tool
async def evaluate(
    run: RunContext[Desk],
    candidates: Annotated[list[Specification], Field(min_length=1, max_length=MOST_CANDIDATES)],
) -> list[dict[str, Any]]:
    """Run candidates over the training years, with costs. One row each, in the same order."""
    figures = await run.deps.evaluate(candidates)
    return [row(each) for each in figures]


@backtester.tool
async def backtest(run: RunContext[Desk], period: Period) -> dict[str, Any]:
    """Run the proposal over a period, with costs. The held-out years are read once, at the end."""
    try:
        measured = run.deps.measure(period)
    except HeldOutError as refusal:
        raise ModelRetry(str(refusal)) from refusal
    return {
        "strategy": row(measured.strategy.figures()),
        "buy_and_hold": row(measured.holding.figures()),
    }


@backtester.output_validator
async def measured_everything(run: RunContext[Desk], report: str) -> str:
    """A report without a measurement is an invention."""
    due: tuple[Period, ...] = ("held_out",) if run.deps.decided else ("train", "validation")
    missing = [period for period in due if not run.deps.is_measured(period)]
    if missing:
        raise ModelRetry(f"not measured yet: {', '.join(missing)}")
    return report


@critic.tool
async def compare(run: RunContext[Desk]) -> dict[str, Any]:
    """The proposal's in-sample figures beside buy-and-hold, and every criterion it misses."""
    desk = run.deps
    return {
        "train": row(desk.known("train").strategy.figures()),
        "validation": row(desk.known("validation").strategy.figures()),
        "buy_and_hold": row(desk.known("validation").holding.figures()),
        "missed": [asdict(each) for each in desk.shortfalls()],
        "candidates": len(desk.tried),
        "sharpe_by_luck": round(desk.luck(), 4),
    }


@critic.output_validator
async def accepts_nothing_short(run: RunContext[Desk], verdict: Verdict) -> Verdict:
    """A criterion is a promise made before the figures were known."""
    missed = run.deps.shortfalls()
    if verdict.accept and missed:
        raise ModelRetry(f"it misses criteria: {'; '.join(each.text for each in missed)}")
    return verdict


@reporter.tool
async def results(run: RunContext[Desk]) -> dict[str, Any]:
    """Everything that was measured of the chosen strategy."""
    desk = run.deps
    figures: dict[str, Any] = {
        period: {
            "strategy": row(desk.known(period).strategy.figures()),
            "buy_and_hold": row(desk.known(period).holding.figures()),
        }
        for period in PERIODS
    }
    return {
        **figures,
        "strategy": desk.proposal.describe(),
        "candidates": len(desk.tried),
        "sharpe_by_luck": round(desk.luck(), 4),
        "missed": [each.text for each in desk.shortfalls()],
    }

"""A trading-strategy generator on real daily prices, by six agents.

A Supervisor plans, DataAgents check the prices side by side, a CodeGenerator proposes, a Backtester
measures, a Critic accepts or sends back, a Reporter reports. `flow` is the order of their work,
`desk` what keeps their figures true, `agents` who they are; the rest is arithmetic.

With `KEEPSTREAM_MODEL=provider:name` and that provider's key in the environment, the agents think
with that model; without, they search by themselves (`policies`) and need no network.
"""

from contextlib import nullcontext
from typing import Annotated, Any, Literal

import pydantic_ai
from msgspec import Meta

from workflows import Context, workflow
from workflows.strategy.desk import Desk
from workflows.strategy.flow import find_strategy
from workflows.strategy.policies import POLICIES
from workflows.strategy.team import Team
from workflows.strategy.thinking import configured, scripted

pydantic_ai.BANNER_ENABLED = False  # it would become a `log` event of somebody's run

Ticker = Literal["AAPL", "FB", "GOOG", "IBM", "MSFT"]
Year = Annotated[int, Meta(ge=2000, le=2013)]


@workflow
async def strategy(
    ctx: Context,
    *,
    symbols: Annotated[
        tuple[Ticker, ...], Meta(min_length=1, max_length=5, description="stocks to trade")
    ] = ("AAPL", "FB", "GOOG", "IBM", "MSFT"),
    start: Annotated[Year, Meta(description="first year of prices")] = 2000,
    end: Annotated[Year, Meta(description="last year of prices, two or more after start")] = 2013,
    rounds: Annotated[
        int, Meta(ge=1, le=8, description="proposals at most; the last may stay unaccepted")
    ] = 4,
    cost_bps: Annotated[
        float,
        Meta(ge=0, le=100, description="cost of a trade, in 1/100 per cent of the money moved"),
    ] = 5.0,
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1, description="of the search without a model")] = 1,
    pace: Annotated[
        float, Meta(ge=0, le=1, description="seconds between words, without a model")
    ] = 0.02,
) -> dict[str, Any]:
    """Six agents look for a trading strategy on real daily prices, and report what it is worth.

    The result has the strategy, whether it was accepted, and its figures beside buy-and-hold on the
    training, the validation and the held-out years. Raises ValueError if the years are fewer than
    three or leave no stock with prices, and `ModelSettingError` for a bad `KEEPSTREAM_MODEL`.
    """
    if end - start < 2:
        raise ValueError(
            f"{start} to {end} is too short: a year each is needed to train, to validate and to "
            "hold out; choose an end at least two years after the start"
        )
    model = configured()
    desk = Desk(list(dict.fromkeys(symbols)), start, end, cost_bps)

    def think(agent: str) -> pydantic_ai.models.Model:
        return model or scripted(POLICIES[agent], pace)

    async with model or nullcontext():  # closes the model's connections
        return await find_strategy(Team(ctx, desk, think, rounds), rounds, seed)

"""The order of the work: plan, check prices, propose and judge in rounds, hold out once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workflows.strategy import agents, summary
from workflows.strategy.agents import Proposal
from workflows.strategy.plan import Period, Shortfall
from workflows.strategy.rendering import render

if TYPE_CHECKING:
    from workflows.strategy.team import Team


class NothingToTradeError(ValueError):
    """No stock has prices in all three spans of years."""


@dataclass(frozen=True, slots=True)
class Round:
    """One proposal and what the Critic made of it."""

    proposal: Proposal
    accepted: bool
    missed: list[Shortfall]
    sharpe: float

    def sent_back(self) -> dict[str, Any]:
        """What the next round is told: which criteria failed, but not by how much.

        Every number about the validation years that reached the search could be fitted by it.
        """
        return {
            "specification": self.proposal.specification.model_dump(),
            "faults": [each.fault for each in self.missed] or ["unconvincing"],
        }


async def find_strategy(team: "Team", rounds: int, seed: int) -> dict[str, Any]:
    """The whole run, inside the Supervisor's block; returns the run's result."""
    desk = team.desk
    async with team.block("Supervisor", "find a strategy") as supervisor:
        task = {
            "symbols": list(desk.symbols),
            "first_year": desk.first,
            "last_year": desk.last,
            "rounds": rounds,
        }
        desk.plan = await team.ask(agents.supervisor, supervisor, task)
        team.done("planned")
        supervisor.handoff("DataAgent", task="load and check the prices")
        left_out = await _load(team)
        supervisor.handoff("CodeGenerator", task="propose a strategy")
        history = await _search(team, rounds, seed)
        chosen = _choose(history)
        desk.decide(chosen.proposal.specification)
        supervisor.handoff("Backtester", task="read the held-out years, once")
        await _backtest(team, ["held_out"])
        supervisor.handoff("Reporter", task="report")
        result = summary.result(desk, chosen.accepted, len(history), left_out)
        await _report(team, chosen.proposal, result)
        supervisor.output = {"accepted": chosen.accepted, "strategy": desk.proposal.describe()}
    return result


async def _load(team: "Team") -> dict[str, str]:
    """Check all stocks side by side; returns the reasons why some are left out."""
    left_out: dict[str, str] = {}
    desk = team.desk

    async def check(symbol: str) -> None:
        async with team.block("DataAgent", symbol) as block:
            usable = await team.ask(agents.data_agent, block, {"symbol": symbol})
            block.output = usable.model_dump()
            # Asked again here: a model may have answered for another stock than it was asked about.
            objection = desk.inspect(symbol).objection
            if objection or not usable.usable:
                left_out[symbol] = objection or usable.reason

    async with team.block("DataAgent", "load and check the prices") as block:
        await team.together([check(symbol) for symbol in desk.symbols])
        left_out = {symbol: left_out[symbol] for symbol in desk.symbols if symbol in left_out}
        desk.stocks = {
            symbol: desk.prices(symbol) for symbol in desk.symbols if symbol not in left_out
        }
        block.output = {"stocks": list(desk.stocks), "left_out": left_out}
    if not desk.stocks:
        reasons = "; ".join(f"{symbol}: {reason}" for symbol, reason in left_out.items())
        raise NothingToTradeError(f"no stock can be used, choose other stocks or years: {reasons}")
    team.done("prices checked")
    return left_out


async def _search(team: "Team", rounds: int, seed: int) -> list[Round]:
    """Propose, test, judge, until the Critic accepts or the rounds are over."""
    history: list[Round] = []
    for number in range(1, rounds + 1):
        task = {
            "round": number,
            "seed": seed,
            "symbols": list(team.desk.stocks),
            "criteria": team.desk.plan.criteria.model_dump(),
            "sent_back": [each.sent_back() for each in history],
        }
        proposal = await _propose(team, task)
        await _backtest(team, ["train", "validation"])
        history.append(await _judge(team, proposal, last=number == rounds))
        if history[-1].accepted:
            break
    team.skip(3 * (rounds - len(history)))
    return history


async def _propose(team: "Team", task: dict[str, Any]) -> Proposal:
    number = task["round"]
    async with team.block("CodeGenerator", f"round {number}") as block:
        proposal: Proposal = await team.ask(agents.code_generator, block, task)
        team.desk.propose(proposal.specification)
        code = render(proposal.specification, proposal.rationale)
        block.artifact(f"proposal-{number}.py", "text/x-python", text=code)
        block.handoff("Backtester", task="run it over the training and the validation years")
        block.output = proposal.model_dump()
    team.done(f"round {number}: proposed")
    return proposal


async def _backtest(team: "Team", periods: list[Period]) -> None:
    async with team.block("Backtester", " and ".join(periods)) as block:
        task = {
            "strategy": team.desk.proposal.describe(),
            "periods": periods,
            "cost_bps": team.desk.cost_bps,
        }
        await team.ask(agents.backtester, block, task)
        if "validation" in periods:
            block.handoff("Critic", task="judge the figures")
        block.output = {
            period: summary.beside_holding(team.desk.known(period)) for period in periods
        }
    team.done(f"{' and '.join(periods)} measured")


async def _judge(team: "Team", proposal: Proposal, *, last: bool) -> Round:
    desk = team.desk
    async with team.block("Critic", "accept or send back") as block:
        task = {
            "strategy": desk.proposal.describe(),
            "rationale": proposal.rationale,
            "criteria": desk.plan.criteria.model_dump(),
        }
        verdict = await team.ask(agents.critic, block, task)
        if not (verdict.accept or last):
            block.handoff("CodeGenerator", task="propose another strategy")
        block.output = verdict.model_dump()
    team.done("accepted" if verdict.accept else "sent back")
    sharpe = desk.known("validation").strategy.figures().sharpe
    return Round(proposal, verdict.accept, desk.shortfalls(), sharpe)


def _choose(history: list[Round]) -> Round:
    """The accepted proposal; without one, that which misses least."""
    return max(history, key=lambda each: (each.accepted, -len(each.missed), each.sharpe))


async def _report(team: "Team", proposal: Proposal, result: dict[str, Any]) -> None:
    desk = team.desk
    async with team.block("Reporter", "report") as block:
        code = render(desk.proposal, proposal.rationale)
        block.artifact("strategy.py", "text/x-python", text=code)
        block.artifact("equity.csv", "text/csv", text=summary.equity(desk))
        block.artifact("figures.json", "application/json", text=summary.figures(result))
        text = await team.ask(
            agents.reporter, block, {"symbols": list(desk.stocks), "accepted": result["accepted"]}
        )
        block.output = {"text": text}
    team.done("reported")

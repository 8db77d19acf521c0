"""Whole runs of the strategy workflow: what is told, what comes out, and with which model."""

import csv
import json
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest
from aiohttp.test_utils import TestServer
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel

from tests.workflows import strategy_naive as naive
from tests.workflows.conftest import Start
from tests.workflows.strategy_service import ModelService
from tests.workflows.strategy_stage import Line, Stage, artifacts, check_speech, of_type
from workflows.strategy import prices, strategy
from workflows.strategy.flow import NothingToTradeError, find_strategy
from workflows.strategy.policies import POLICIES
from workflows.strategy.team import Team
from workflows.strategy.thinking import ModelSettingError, configured, scripted

Told = tuple[dict[str, Any], list[Line]]


async def tell(seed: int = 1, rounds: int = 4) -> Told:
    """A run of the team that searches without a model: its result and its events."""
    with Stage() as stage:
        result = await find_strategy(stage.team(rounds), rounds, seed)
    return result, stage.events


@pytest.fixture(scope="module")
def told() -> Told:
    """One such run, for all tests that only look."""
    import asyncio

    return asyncio.run(tell())


def test_every_event_is_well_formed(told: Told) -> None:
    """Blocks enclose what is said in them, pieces join to their text, every call has its result."""
    _, events = told
    check_speech(events)
    assert len(of_type(events, "agent_delta")) > 200
    agents = {event["agent"] for event in of_type(events, "agent_start")}
    assert agents == set(POLICIES)
    assert not of_type(events, "agent_error")


def test_the_stocks_are_checked_side_by_side(told: Told) -> None:
    """All stocks' blocks are open at once, inside the DataAgent's own, and FB is left out."""
    result, events = told
    starts = [event for event in of_type(events, "agent_start") if event["agent"] == "DataAgent"]
    whole, *each = starts
    assert [event["data"]["task"] for event in each] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert {event["data"]["parent"] for event in each} == {whole["span"]}
    ends = [
        event["n"] for event in of_type(events, "agent_complete") if event["agent"] == "DataAgent"
    ]
    assert max(event["n"] for event in each) < min(ends)
    assert result["symbols"] == ["AAPL", "GOOG", "IBM", "MSFT"]
    assert list(result["left_out"]) == ["FB"]


def test_the_critic_sends_back_and_then_accepts(told: Told) -> None:
    """A proposal that misses a criterion goes back by a hand-off; the chosen one misses none."""
    result, events = told
    verdicts = [
        event["data"]["output"]["accept"]
        for event in of_type(events, "agent_complete")
        if event["agent"] == "Critic"
    ]
    back = [event for event in of_type(events, "handoff") if event["agent"] == "Critic"]
    assert verdicts == [False, True]
    assert [event["data"]["to"] for event in back] == ["CodeGenerator"]
    assert (result["accepted"], result["missed"], result["rounds"]) == (True, [], 2)


def test_held_out_years_are_read_after_the_last_verdict(told: Told) -> None:
    """The only measurement of the held-out years comes after the Critic's last word."""
    _, events = told
    reads = [
        event["n"]
        for event in of_type(events, "tool_call")
        if event["data"]["arguments"].get("period") == "held_out"
    ]
    verdicts = [
        event["n"] for event in of_type(events, "agent_complete") if event["agent"] == "Critic"
    ]
    assert len(reads) == 1
    assert reads[0] > max(verdicts)


def test_progress_goes_up_to_its_total(told: Told) -> None:
    """Progress only grows and ends with everything done."""
    steps = [event["data"] for event in of_type(told[1], "progress")]
    done = [step["done"] for step in steps]
    assert done == sorted(set(done))
    assert done[-1] == steps[-1]["total"] == steps[0]["total"]


def recompute(result: dict[str, Any], period: str) -> Iterator[tuple[str, list[float], int]]:
    """The strategy's and buy-and-hold's money over a period, from the prices alone."""
    first, last = str(result["years"][period]["first"]), str(result["years"][period]["last"] + 1)
    cost = result["cost_bps"] / 10_000
    stocks = [prices.load(symbol) for symbol in result["symbols"]]
    calendar = sorted({date for stock in stocks for date in stock.dates if first <= date < last})
    for kind in ("strategy", "buy_and_hold"):
        rows, trades = [], 0
        for stock in stocks:
            dates = [date for date in stock.dates if date < last]
            closes = list(stock.adjusted[: len(dates)])
            start = sum(date < first for date in dates)
            if kind == "strategy":
                said = naive.weights(result["specification"], closes)
                path, traded = naive.one_stock(said, closes, start, cost)
            else:
                path = [close / closes[start] / (1 + cost) for close in closes[start:]]
                traded = 1
            money = dict(zip(dates[start:], path, strict=True))
            rows.append([money.get(date, 1.0) for date in calendar])
            trades += traded
        yield kind, [float(sum(day) / len(stocks)) for day in zip(*rows, strict=True)], trades


@pytest.mark.parametrize("period", ["train", "validation", "held_out"])
def test_figures_follow_from_the_prices(told: Told, period: str) -> None:
    """Every figure and the equity curve of the result are what plain loops over prices give."""
    result, events = told
    curve = list(csv.DictReader(artifacts(events)["equity.csv"].splitlines()))
    for kind, equity, trades in recompute(result, period):
        reported = result["figures"][period][kind]
        for name, value in naive.figures(equity).items():
            assert reported[name] == pytest.approx(value, rel=1e-6), (kind, name)
        assert reported["trades"] == trades
        written = [float(row[kind]) for row in curve if row["period"] == period]
        np.testing.assert_allclose(written, equity, atol=2e-6)


def test_artifacts(told: Told) -> None:
    """The report leaves the code of the chosen strategy, its curve and its figures."""
    result, events = told
    files = artifacts(events)
    assert set(files) == {
        "proposal-1.py",
        "proposal-2.py",
        "strategy.py",
        "equity.csv",
        "figures.json",
    }
    compile(files["strategy.py"], "strategy.py", "exec")
    assert files["strategy.py"] == files["proposal-2.py"]
    assert json.loads(files["figures.json"]) == result
    assert json.loads(json.dumps(result, allow_nan=False)) == result


async def test_a_run_is_its_seed(told: Told) -> None:
    """The same seed finds the same; another seed finds something else."""
    again, _ = await tell()
    assert again == told[0]
    other, _ = await tell(seed=2, rounds=1)
    assert other["specification"] != again["specification"]


async def test_without_acceptance_the_least_bad_is_reported_as_such() -> None:
    """When the rounds are over and nothing was accepted, the result and the report say so."""
    result, events = await tell(rounds=1)
    check_speech(events)
    assert not result["accepted"]
    assert result["missed"]
    report = of_type(events, "agent_message")[-1]["data"]["text"]
    assert "was not accepted" in report
    assert not [event for event in of_type(events, "handoff") if event["agent"] == "Critic"]


async def test_no_stock_with_prices() -> None:
    """Where no stock can be used, the run ends with the reasons and every block is closed."""
    with Stage() as stage:
        team = stage.team(1, 2000, 2005)
        team.desk.symbols = ("FB", "GOOG")
        with pytest.raises(NothingToTradeError, match=r"FB: it has 0 days.*GOOG: it has"):
            await find_strategy(team, 1, 1)
    check_speech(stage.events)
    assert [event["agent"] for event in of_type(stage.events, "agent_error")] == ["Supervisor"]


def careless_critic() -> Model:
    """A fake of a paid model: it accepts unseen, is refused, looks, and then sends back."""
    answers = [
        ("final_result", {"accept": True, "reasons": ["looks good"]}),
        ("compare", {}),
        ("no_such_tool", {"x": float("nan")}),
        ("final_result", {"accept": False, "reasons": ["it misses criteria"]}),
    ]

    async def stream(
        messages: list[ModelMessage], _info: AgentInfo
    ) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        tool, arguments = answers[len(messages) // 2]
        yield "Let me "
        yield "see."
        yield {1: DeltaToolCall(tool, json.dumps(arguments), tool_call_id=f"call-{len(messages)}")}

    return FunctionModel(stream_function=stream)


async def test_a_model_that_errs_is_corrected_in_the_open() -> None:
    """A model cannot accept what misses a criterion; its refused calls are told as errors."""
    with Stage() as stage:
        plain = stage.team(1)

        def think(agent: str) -> Model:
            return careless_critic() if agent == "Critic" else scripted(POLICIES[agent], 0)

        result = await find_strategy(Team(stage.ctx, plain.desk, think, 1), 1, 1)
    check_speech(stage.events)
    assert not result["accepted"]
    refused = [
        event["data"] for event in of_type(stage.events, "tool_result") if "error" in event["data"]
    ]
    assert [each["tool"] for each in refused] == ["final_result", "no_such_tool"]
    assert "it misses criteria" in refused[0]["error"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gpt-5", "write it as provider:name"),
        ("openai:", "write it as provider:name"),
        ("nobody:model", "Unknown model: nobody:model"),
        ("openai:gpt-5", "OPENAI_API_KEY"),
        ("groq:some-model", "groq"),
    ],
)
def test_a_bad_model_setting_says_what_to_change(
    name: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown provider, a missing key or package is named, together with the setting."""
    for variable in [each for each in os.environ if each.endswith("_API_KEY")]:
        monkeypatch.delenv(variable)
    with pytest.raises(ModelSettingError, match=f"^KEEPSTREAM_MODEL={name}.*") as refusal:
        configured({"KEEPSTREAM_MODEL": name})
    assert says in str(refusal.value)


def test_no_model_is_configured_by_default() -> None:
    """Without the setting, or with an empty one, no model is asked."""
    assert configured({}) is None
    assert configured({"KEEPSTREAM_MODEL": " "}) is None


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ModelService]:
    """A fake of a paid model service, and the settings that lead to it."""
    fake = ModelService("right")
    async with TestServer(fake.app) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", str(server.make_url("/v1")))
        monkeypatch.setenv("OPENAI_API_KEY", "right")
        monkeypatch.setenv("KEEPSTREAM_MODEL", "openai-chat:some-model")
        yield fake


async def test_a_configured_model_does_the_same_work(service: ModelService, told: Told) -> None:
    """A model behind a real client takes the same path: thinking alike, it finds the same."""
    with Stage() as stage:
        result = await strategy(stage.ctx)
    assert result == told[0]
    assert service.asked > 20
    check_speech(stage.events)
    assert sorted(event["type"] for event in stage.events) == sorted(
        event["type"] for event in told[1]
    )


async def test_a_refused_key_ends_the_run(
    service: ModelService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model's service says against the run is the run's error, and its agent's."""
    monkeypatch.setenv("OPENAI_API_KEY", "wrong")
    with Stage() as stage, pytest.raises(ModelHTTPError, match=r"401.*no such key"):
        await strategy(stage.ctx)
    check_speech(stage.events)
    (error,) = of_type(stage.events, "agent_error")
    assert error["agent"] == "Supervisor"
    assert service.asked == 0


@pytest.mark.parametrize(
    ("given", "variable", "says"),
    [({"start": 2010, "end": 2011}, "", "too short"), ({}, "nobody:model", "KEEPSTREAM_MODEL")],
)
async def test_a_bad_start_emits_nothing(
    given: dict[str, Any], variable: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too few years and a bad setting are refused before any agent speaks."""
    monkeypatch.setenv("KEEPSTREAM_MODEL", variable)
    with Stage() as stage, pytest.raises(ValueError, match=says):
        await strategy(stage.ctx, **given)
    assert stage.events == []


def test_in_a_process_of_its_own(start: Start, told: Told) -> None:
    """As a child it does what it does in the test's process, and prints nothing."""
    run = start("workflows.strategy:strategy", pace=0)
    outcome = run.outcome()
    assert outcome["outcome"] == "complete"
    assert outcome["result"] == told[0]
    check_speech([line for line in run.lines if "type" in line])
    assert run.printed() == run.printed("stderr") == []


def test_a_cancel_stops_it_between_two_words(start: Start) -> None:
    """A stop that arrives while an agent speaks ends the run with its blocks closed in order."""
    run = start("workflows.strategy:strategy", pace=0.05)
    run.hear_type("agent_delta")
    run.say(cancel="enough")
    assert run.outcome()["outcome"] == "cancelled"
    kinds = [kind for kind, _ in run.events]
    assert kinds[0] == "agent_start"
    assert kinds[-1] == "agent_error"
    assert kinds.count("agent_delta") < 20


def test_a_cancel_stops_a_search(start: Start) -> None:
    """A stop that arrives among the backtests of a search ends the run before they are done."""
    run = start("workflows.strategy:strategy", pace=0)
    while run.hear_type("tool_call")["data"]["tool"] != "evaluate":
        pass
    run.say(cancel="enough")
    assert run.outcome()["outcome"] == "cancelled"
    assert [kind for kind, _ in run.events][-2:] == ["agent_error", "agent_error"]

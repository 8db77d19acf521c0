"""What agents say, and questions."""

from typing import Any

import pytest

from tests.workflows.conftest import Playhouse, Run, Start


@pytest.fixture
def worked(start: Start) -> Run:
    """A run of agents inside one another and side by side."""
    run = start("works_in_agents")
    assert run.outcome()["outcome"] == "complete"
    return run


def of_agent(run: Run, agent: str) -> list[dict[str, Any]]:
    """The lines of one agent."""
    return [line for line in run.lines if line.get("agent") == agent]


def start_of(run: Run, agent: str) -> dict[str, Any]:
    """An agent's first line."""
    line = of_agent(run, agent)[0]
    assert line["type"] == "agent_start"
    return line


def test_parents(worked: Run) -> None:
    """A block knows the span around it, also where blocks run side by side."""
    lead = start_of(worked, "Lead")
    assert lead["data"] == {"task": "plan"}
    for name in "AB":
        outer, inner = start_of(worked, name), start_of(worked, f"{name}'s helper")
        assert outer["data"] == {"parent": lead["span"]}
        assert inner["data"] == {"parent": outer["span"]}
    assert start_of(worked, "Unlucky")["data"] == {}


def test_spans(worked: Run) -> None:
    """Each block has a span of its own on all its lines, and one end."""
    agents = {line["agent"] for line in worked.lines if "agent" in line}
    spans = {agent: {line["span"] for line in of_agent(worked, agent)} for agent in agents}
    assert all(len(each) == 1 for each in spans.values())
    assert len(set.union(*spans.values())) == len(agents) == 7
    for agent in agents:
        ends = [line["type"] for line in of_agent(worked, agent)][1:]
        assert sum(end in ("agent_complete", "agent_error") for end in ends) == 1
        assert ends[-1] in ("agent_complete", "agent_error")


def test_agents_run_side_by_side(worked: Run) -> None:
    """The second block begins before the first has ended."""
    starts = [start_of(worked, name)["n"] for name in "AB"]
    ends = [of_agent(worked, name)[-1]["n"] for name in "AB"]
    assert max(starts) < min(ends)


def test_what_an_agent_says(worked: Run) -> None:
    """Each method gives the event of the contract."""
    said = [(line["type"], line["data"]) for line in of_agent(worked, "Lead")[1:-1]]
    assert said == [
        ("tool_call", {"tool": "search", "call": "c1", "arguments": {"q": "x"}}),
        ("tool_result", {"tool": "search", "call": "c1", "output": None}),
        ("handoff", {"to": "A", "task": "do it"}),
        ("agent_delta", {"text": "w", "message": "m1"}),
    ]
    assert [line["data"] for line in of_agent(worked, "A")[1:-1]] == [{"text": "I am A"}]


def test_ends_of_blocks(worked: Run) -> None:
    """A block ends with its output and seconds, or with what went wrong."""
    lead = of_agent(worked, "Lead")[-1]["data"]
    assert lead["output"] == {"ok": True}
    assert 0 <= lead["seconds"] < 30
    assert list(of_agent(worked, "A")[-1]["data"]) == ["seconds"]
    assert of_agent(worked, "Unlucky")[-1]["data"] == {"message": "LookupError: boom"}
    careless = of_agent(worked, "Careless")[-1]
    assert careless["type"] == "agent_error"
    assert careless["data"]["message"].startswith("output: data.output: set is not JSON")


def test_the_workflow_speaks_too(worked: Run) -> None:
    """Progress and artifacts are events of the contract, without an agent."""
    own = [line for line in worked.lines if "type" in line and "agent" not in line]
    assert [(line["type"], line["data"]) for line in own] == [
        ("progress", {"done": 1, "total": 2, "label": "half"}),
        ("artifact", {"name": "a.txt", "media_type": "text/plain", "text": "hi"}),
        (
            "artifact",
            {"name": "a.bin", "media_type": "application/octet-stream", "base64": "/wA="},
        ),
    ]
    assert all("span" not in line for line in own)


@pytest.mark.parametrize("child", ["asks", "asks_blocking"])
def test_questions(start: Start, child: str) -> None:
    """Each question gets the first answer to it; repeated and foreign ones are ignored."""
    run = start(child)
    first = run.hear_type("input_request")["data"]
    assert first == {"request": "q1", "prompt": "One?", "schema": {"type": "integer"}}
    run.say(input={"request": "q9", "value": "foreign"})
    run.say(input={"request": "q1", "value": 1})
    run.say(input={"request": "q1", "value": "again"})
    second = run.hear_type("input_request")["data"]
    assert second == {"request": "q2", "prompt": "Two?"}
    run.say(input={"request": "q1", "value": "again"})
    run.say(input={"request": "q2", "value": {"deep": [None]}})
    assert run.outcome()["result"] == [1, {"deep": [None]}]


def test_questions_that_cannot_be_asked(start: Start) -> None:
    """A prompt is text and a schema an object of JSON; nothing else reaches the server."""
    run = start("asks_badly")
    assert run.outcome()["result"] == [
        "prompt: must be a str, not int",
        "schema: must be a dict, not list",
        "data.prompt: a lone surrogate is not text",
        "data.schema.enum: set is not JSON; give str, int, float, bool, None, list or dict",
    ]
    assert run.events == []


def test_question_in_a_thread(start: Start) -> None:
    """A thread of an async workflow may ask, and blocks alone."""
    run = start("asks_in_a_thread")
    run.hear_type("input_request")
    run.say(input={"request": "q1", "value": "yes"})
    assert run.outcome()["result"] == "yes"


def test_shipped_workflows(playhouse: Playhouse) -> None:
    """`echo` gives a text back, `countdown` misses no number."""
    echo = playhouse.start("workflows.echo:echo", text="é")
    assert echo.outcome()["result"] == "é"
    assert [kind for kind, _ in echo.events] == ["agent_start", "agent_message", "agent_complete"]
    countdown = playhouse.start("workflows.countdown:countdown", seconds=1, step=0.1)
    assert countdown.outcome()["result"] == "Liftoff!"
    assert [data["done"] for kind, data in countdown.events if kind == "progress"] == [*range(11)]

"""Every way to die ends in exactly one terminal event, and nothing of the run comes after it."""

from dataclasses import dataclass

import pytest

from tests.system.api import TERMINAL, Api, fresh


@dataclass(frozen=True)
class Death:
    """A workflow, the terminal event it must end in, and what that must mention."""

    workflow: str
    ends: str
    codes: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()


DEATHS = [
    Death("raises", "error", ("workflow_error",), ("the market is closed",)),
    Death("raises_async", "error", ("workflow_error",), ("the market is closed",)),
    Death("raises_inside_agent", "error", ("workflow_error",), ("the market is closed",)),
    Death("leaves_main_thread", "error", ("workflow_error", "workflow_crashed")),
    Death("leaves_thread", "complete"),
    Death("exits_0", "error", ("workflow_crashed",)),
    Death("exits_3", "error", ("workflow_crashed",), ("3",)),
    Death("segfaults", "error", ("workflow_crashed",), ("SIGSEGV",)),
    Death("aborts", "error", ("workflow_crashed",), ("SIGABRT", "assertion failed: money > 0")),
    Death("kills_itself", "error", ("workflow_crashed",), ("SIGKILL",)),
    Death("terminates_itself", "error", ("workflow_crashed",), ("SIGTERM",)),
    Death("becomes_another", "error", ("workflow_crashed",)),
    Death("wants_all_memory", "error", ("workflow_error",), ("MemoryError",)),
    Death("recurses", "error", ("workflow_error",), ("RecursionError",)),
    Death("returns_no_json", "error", ("workflow_error",)),
    Death("returns_nan", "error", ("workflow_error",)),
    Death("returns_too_much", "error", ("limit_exceeded",)),
    Death("closes_everything", "error", ("workflow_crashed", "workflow_error", "run_lost")),
    Death("overstays", "error", ("workflow_timeout",)),
    Death("overstays_politely", "error", ("workflow_timeout",)),
    Death("leaves_a_thread_running", "complete"),
]


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.workflow)
async def test_death_is_one_terminal_event(api: Api, death: Death) -> None:
    """However a workflow's process dies, its run ends once, with the true reason."""
    session = fresh()
    run = await api.start(session, death.workflow)
    events = await api.ended(session)
    last = events[-1]
    assert last["type"] == death.ends, last
    assert [event["type"] in TERMINAL for event in events].count(True) == 1
    assert events[0]["type"] == "run_start"
    if death.ends == "error":
        assert last["data"]["code"] in death.codes, last
        assert last["data"]["message"]
    for word in death.mentions:
        assert word in str(last["data"]), last
    done = await api.run(run["id"])
    assert done["state"] == death.ends
    if death.ends == "error":
        assert done["error"]["code"] == last["data"]["code"]


async def test_what_was_emitted_before_death_is_kept(api: Api) -> None:
    """A process that dies in the instruction after `emit` has not lost the event."""
    for workflow in ("exits_0", "segfaults", "kills_itself", "becomes_another", "aborts"):
        session = fresh()
        await api.start(session, workflow)
        assert "alive" in [event["type"] for event in await api.ended(session)], workflow


async def test_twins_end_once(api: Api) -> None:
    """Where a workflow forks and both processes return, the run still ends once."""
    session = fresh()
    await api.start(session, "twins")
    events = await api.ended(session)
    assert [event["type"] in TERMINAL for event in events].count(True) == 1
    assert [event["type"] for event in events].count("alive") == 1


async def test_agent_error_comes_before_the_terminal_event(api: Api) -> None:
    """An agent that is left by an exception says so before the run ends."""
    session = fresh()
    await api.start(session, "raises_inside_agent")
    events = await api.ended(session)
    kinds = [event["type"] for event in events]
    assert kinds == ["run_start", "agent_start", "agent_error", "error"]
    assert "the market is closed" in events[2]["data"]["message"]


BROKEN_LINES = {
    "bad UTF-8": b'{"n":2,"t":1,"type":"x","data":{"a":"\xff"}}',
    "raw CR": b'{"n":2,"t":1,\r"type":"x","data":{}}',
    "too deep": b'{"n":2,"t":1,"type":"x","data":' + b'{"a":' * 200 + b"1" + b"}" * 201,
    "reserved type": b'{"n":2,"t":1,"type":"complete","data":{}}',
    "control frame": b'{"n":2,"t":1,"type":"bye","data":{}}',
    "hole": b'{"n":3,"t":1,"type":"x","data":{}}',
    "no type": b'{"n":2,"t":1,"data":{}}',
    "bad type": b'{"n":2,"t":1,"type":"Not A Type","data":{}}',
    "no JSON": b"hello",
    "no object": b"[]",
    "two documents": b'{"n":2,"t":1,"type":"x","data":{}}{"offset":99}',
    "data is no object": b'{"n":2,"t":1,"type":"x","data":[]}',
    "NaN": b'{"n":2,"t":1,"type":"x","data":{"a":NaN}}',
}


@pytest.mark.parametrize("line", BROKEN_LINES.values(), ids=BROKEN_LINES.keys())
async def test_broken_pipe_rules_end_the_run(api: Api, line: bytes) -> None:
    """Whoever breaks the pipe's rules ends as `protocol_error`; the broken line is in no log."""
    session = fresh()
    await api.start(session, "breaks_the_pipe", line=line.decode("latin-1"))
    events = await api.ended(session)
    assert [event["type"] for event in events] == ["run_start", "alive", "error"]
    assert events[-1]["data"]["code"] == "protocol_error"


async def test_repeated_line_is_ignored(api: Api) -> None:
    """A repeated `n` is what a child sends that didn't see the ack; it is no second event."""
    session = fresh()
    run = await api.start(session, "breaks_the_pipe", line='{"n":1,"t":1,"type":"x","data":{}}')
    await api.reached(session, "alive")
    await api.call("POST", f"/api/runs/{run['id']}/cancel")
    events = await api.ended(session)
    assert [event["type"] for event in events[:-1]] == ["run_start", "alive"]


async def test_line_over_a_megabyte(api: Api) -> None:
    """A line that is longer than the pipe allows ends the run, not the server."""
    session = fresh()
    line = '{"n":2,"t":1,"type":"x","data":{"a":"'
    await api.start(session, "breaks_the_pipe", line=line, filler=2_000_000)
    assert (await api.ended(session))[-1]["data"]["code"] in ("protocol_error", "limit_exceeded")

"""A child whose server is gone goes on, and the next server hears all that the last one did not."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.conftest import LIMIT, Playhouse, Run
from workflows.runtime.outbox import MAX_KEPT_BYTES


def begin(playhouse: Playhouse, child: str, *, patience: str = "30", **given: Any) -> Run:
    """Start a child with so much patience, and let it run."""
    run, _ = playhouse.begin(child, patience)
    run.say(welcome={"ack": 0})
    run.say(start={"workflow": child, "input": given})
    return run


def until(condition: Any) -> None:
    """Wait for it."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def killed_server(playhouse: Playhouse, run: Run) -> None:
    """Break the connection as a server does that is killed."""
    playhouse.leave()
    run.hang_up()


def test_hello_says_where_it_stands(playhouse: Playhouse) -> None:
    """The second hello has the same secret, the last number, and what is waited for."""
    run = begin(playhouse, "asks")
    run.hear_type("input_request")
    killed_server(playhouse, run)
    playhouse.come_back()
    hello = playhouse.admit(run)
    assert (hello["run"], hello["secret"]) == ("r_1", "s3cret")
    assert (hello["sent"], hello["asking"]) == (len(run.lines), ["q1"])
    run.say(welcome={"ack": len(run.lines)})
    run.say(start={"workflow": "asks", "input": {}})
    run.say(input={"request": "q1", "value": 1})
    run.say(input={"request": "q1", "value": 1})
    run.hear_type("input_request")
    run.say(input={"request": "q1", "value": 1})
    run.say(input={"request": "q2", "value": 2})
    assert run.outcome()["result"] == [1, 2]


def test_what_is_not_acknowledged_comes_again(playhouse: Playhouse) -> None:
    """After the welcome come all lines behind its ack, as they were, and nothing before it."""
    run = begin(playhouse, "prints_when_told", gate=_fifo(playhouse), lines=0)
    run.hear_type("alive")
    killed_server(playhouse, run)
    playhouse.come_back()
    playhouse.admit(run)
    heard, run.lines = run.lines, []
    run.say(welcome={"ack": 0})
    again = [run.hear() for _ in heard]
    assert again == heard


def test_a_start_that_is_repeated_starts_nothing(playhouse: Playhouse) -> None:
    """One that came before is ignored, one that never came is obeyed."""
    run, _ = playhouse.begin("adds")
    killed_server(playhouse, run)
    playhouse.come_back()
    playhouse.admit(run)
    run.say(welcome={"ack": 0})
    run.say(start={"workflow": "adds", "input": {"a": 1}})
    run.say(start={"workflow": "adds", "input": {"a": 5}})
    assert run.outcome()["result"] == 3


def test_a_cancel_that_is_repeated_cancels_once(playhouse: Playhouse) -> None:
    """The run is told by whichever server comes first, and ends by its outcome."""
    run = begin(playhouse, "waits")
    run.hear_type("ready_to_stop")
    killed_server(playhouse, run)
    playhouse.come_back()
    playhouse.admit(run)
    run.say(welcome={"ack": 1})
    run.say(cancel="again")
    run.say(cancel="again")
    assert run.outcome()["outcome"] == "cancelled"


def test_emit_waits_and_drops_nothing_while_nobody_listens(
    playhouse: Playhouse, tmp_path: Path
) -> None:
    """Up to 16 MiB are kept; then emit waits until a server has taken some."""
    progress = tmp_path / "progress"
    progress.touch()
    run, _ = playhouse.begin("fills")
    run.say(welcome={"ack": 0})
    run.say(start={"workflow": "fills", "input": {"count": 250, "progress": str(progress)}})
    killed_server(playhouse, run)
    until(lambda: progress.stat().st_size * 100_000 > MAX_KEPT_BYTES)
    full = -(-MAX_KEPT_BYTES // 100_000)
    assert progress.stat().st_size <= full + 1
    playhouse.come_back()
    hello = playhouse.admit(run)
    assert hello["sent"] <= full + 1
    run.lines = []
    run.say(welcome={"ack": 0})
    run.outcome()
    assert [data["i"] for _, data in run.events] == list(range(250))


def test_what_is_printed_is_kept_too(playhouse: Playhouse) -> None:
    """A print does not wait for a server; it comes as a log line before what was emitted later."""
    gate = _fifo(playhouse)
    run = begin(playhouse, "prints_when_told", gate=gate, lines=20_000)
    run.hear_type("alive")
    killed_server(playhouse, run)
    with open(gate, "w") as told:  # noqa: PTH123
        told.write(".")
        told.flush()
        told.write(".")
    playhouse.come_back()
    playhouse.admit(run)
    run.say(welcome={"ack": 1})
    run.outcome()
    assert run.printed() == [f"line {i:06}" for i in range(20_000)]
    kinds = [line.get("type") for line in run.lines]
    assert kinds[-2:] == ["printed", None]


def test_an_outcome_waits_for_a_server(playhouse: Playhouse) -> None:
    """A run that ended while nobody listened says so to the next server, and only then exits."""
    gate = _fifo(playhouse)
    run = begin(playhouse, "prints_when_told", gate=gate, lines=0)
    run.hear_type("alive")
    killed_server(playhouse, run)
    with open(gate, "w") as told:  # noqa: PTH123
        told.write("..")
    playhouse.come_back()
    playhouse.admit(run)
    run.say(welcome={"ack": 1})
    assert run.outcome()["outcome"] == "complete"


def test_a_server_that_cannot_be_understood_is_left(playhouse: Playhouse) -> None:
    """The child says why on stderr, and looks for a better one."""
    run = begin(playhouse, "waits")
    run.hear_type("ready_to_stop")
    run.say_in_bytes(b"what?\n")
    run.hang_up()
    playhouse.admit(run)
    run.say(welcome={"ack": 1})
    run.say(cancel="enough")
    assert run.outcome()["outcome"] == "cancelled"
    assert "msgspec" in "\n".join(run.printed("stderr"))


@pytest.mark.parametrize("started", [True, False])
def test_nobody_comes(playhouse: Playhouse, *, started: bool) -> None:
    """A child that no server wants in all its patience ends itself, with its whole group."""
    if started:
        run = begin(playhouse, "waits", patience="0.2")
        run.hear_type("ready_to_stop")
    else:
        run, _ = playhouse.begin("waits", "0.2")
    killed_server(playhouse, run)
    assert run.exit_code() == -9


@pytest.mark.parametrize("started", [True, False])
def test_it_is_sent_away(playhouse: Playhouse, *, started: bool) -> None:
    """A server that says `end` is obeyed at once: with the group where code may have run."""
    run, _ = playhouse.begin("waits")
    if started:
        run.say(welcome={"ack": 0})
        run.say(start={"workflow": "waits", "input": {}})
        run.hear_type("ready_to_stop")
    killed_server(playhouse, run)
    playhouse.come_back()
    playhouse.admit(run)
    run.say(end=True)
    assert run.exit_code() == (-9 if started else 0)


def _fifo(playhouse: Playhouse) -> str:
    path = playhouse.folder / "gate"
    os.mkfifo(path)
    return str(path)

"""Children that do not keep to the pipe's rules: their own run ends, nothing else notices."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.runs import Catalogue, Entry, timers
from tests.runs import impostors
from tests.runs.conftest import Open, Place, alive, until_gone


@pytest.fixture(scope="module")
def ways() -> Catalogue:
    """A catalogue of impostors: no probe knows them, they are no workflows."""
    catalogue = Catalogue([])
    asyncio.run(catalogue.load())
    for name in impostors.WAYS:
        catalogue._entries[name] = Entry(name, target=f"impostor:{name}")
    return catalogue


@pytest.fixture
async def place(open_runs: Open, ways: Catalogue) -> AsyncIterator[Place]:
    """Runs whose processes are impostors."""
    async with open_runs(entry=impostors.enter, of=ways, cancel_grace_seconds=0.3) as place:
        yield place


async def test_a_breach_ends_the_run_and_keeps_what_came_before(place: Place) -> None:
    """Each way to break a line's rules is `protocol_error`, and the process is killed."""
    runs = {await place.start(name): name for name in impostors.BREACHES}
    for run, name in runs.items():
        end = await place.kept.end(run)
        assert (name, end["type"], end["data"]["code"]) == (name, "error", "protocol_error")
        assert place.kept.types(run) == ["run_start", "step", "error"], name
        await until_gone(place.kept.records[run].pid)


def _complete(place: Place, run: str, result: Any) -> bool:
    return bool(place.kept.of(run)[-1]["data"] == {"result": result})


async def test_bytes_may_come_one_by_one(place: Place) -> None:
    """Where the stream is cut means nothing."""
    run = await place.start("drips")
    await place.kept.end(run)
    assert place.kept.types(run) == ["run_start", "step", "step", "complete"]
    assert place.kept.of(run)[2]["agent"] == "Ä"


async def test_what_was_said_is_not_said_again(place: Place) -> None:
    """A repeated number is ignored, whatever stands beside it."""
    run = await place.start("repeats")
    await place.kept.end(run)
    assert place.kept.types(run) == ["run_start", "step", "step", "step", "complete"]


async def test_nothing_counts_after_the_outcome(place: Place) -> None:
    """Neither an event nor a second outcome."""
    run = await place.start("talks_on")
    await place.kept.end(run)
    await until_gone(place.kept.records[run].pid)
    assert place.kept.types(run) == ["run_start", "complete"]
    assert _complete(place, run, "first")


async def test_who_stays_after_the_outcome_is_killed(place: Place) -> None:
    """The outcome stands, the place is free again."""
    run = await place.start("stays")
    assert (await place.kept.end(run))["type"] == "complete"
    await until_gone(place.kept.of(run)[1]["data"]["pid"])


async def test_a_closed_pipe_is_no_death(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hung up is killed when it does not end by itself; only then is it judged."""
    monkeypatch.setattr(timers, "HANGUP_SECONDS", 0.1)
    run = await place.start("hangs_up")
    end = await place.kept.end(run)
    assert end["data"]["code"] == "workflow_crashed"
    assert "closed its pipe" in end["data"]["message"]
    assert not alive(place.kept.of(run)[1]["data"]["pid"])


async def test_half_a_line_does_not_count(place: Place) -> None:
    """What a dying process could not finish is no breach of rules, and no event."""
    run = await place.start("dies_in_a_line")
    end = await place.kept.end(run)
    assert end["data"]["code"] == "workflow_crashed"
    assert end["data"]["detail"]["exit_code"] == 3
    assert place.kept.types(run) == ["run_start", "step", "error"]


async def test_the_pipe_is_drained_before_a_death_is_judged(place: Place) -> None:
    """An outcome that was sent counts, however the process ended in the next instruction."""
    for _ in range(5):
        run = await place.start("dies_when_all_is_said")
        assert (await place.kept.end(run))["data"] == {"result": "said"}
        assert len(place.kept.types(run)) == 1002


async def test_last_words_are_what_was_sent_and_what_was_left(place: Place) -> None:
    """The last 8 KiB of stderr: its `log` events, then what nobody had read."""
    run = await place.start("has_last_words")
    end = await place.kept.end(run)
    words = end["data"]["detail"]["stderr"]
    assert len(words) == 8192
    assert words.endswith("\nline 1999\nline 2000\nand then it was dark")
    assert "elsewhere" not in words


@pytest.mark.parametrize(
    "way",
    ["knows_no_secret", "is_another", "comes_from_tomorrow", "talks_first", "sends_a_friend"],
)
async def test_only_the_process_that_was_started_is_let_in(place: Place, way: str) -> None:
    """Anybody else hears `end`; no event of theirs is taken."""
    run = await place.start(way)
    end = await place.kept.end(run)
    assert end["data"]["code"] == "workflow_crashed"
    assert end["data"]["detail"]["exit_code"] == 21
    assert place.kept.types(run) == ["run_start", "error"]
    assert not place.kept.records[run].start_given


async def test_a_second_connection_takes_the_place_of_the_first(place: Place) -> None:
    """It is welcomed where the log ends; half a line of the first means nothing."""
    run = await place.start("comes_twice")
    welcome, start = (await place.kept.end(run))["data"]["result"]
    assert welcome == {"welcome": {"ack": 1}}
    assert "start" in start
    assert place.kept.types(run) == ["run_start", "step", "step", "complete"]


async def test_a_stream_may_break_as_often_as_it_likes(place: Place) -> None:
    """No event is lost or doubled, and nobody is killed for it."""
    run = await place.start("comes_again_and_again")
    assert (await place.kept.end(run))["data"] == {"result": "at last"}
    assert place.kept.types(run) == ["run_start", *["step"] * 20, "complete"]


async def test_coming_anew_prolongs_no_grace(place: Place) -> None:
    """Who is told to stop is killed after the grace, however often it says hello."""
    run = await place.started("comes_in_vain")
    await place.runs.cancel(run, "enough")
    end = await place.kept.end(run)
    assert end["data"]["code"] == "workflow_unresponsive"
    await until_gone(place.kept.of(run)[1]["data"]["pid"])


async def test_who_starts_early_is_read_after_its_start(place: Place) -> None:
    """What comes before the start is committed waits until it is."""
    run = await place.start("starts_early")
    assert (await place.kept.end(run))["data"] == {"result": "early"}
    states = [record.state for record in place.kept.history if record.id == run]
    assert states == ["queued", "running", "complete"]


async def test_who_never_says_hello_is_killed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that does not connect has no run for ever."""
    monkeypatch.setattr(timers, "HELLO_SECONDS", 0.2)
    run = await place.start("mute")
    end = await place.kept.end(run)
    assert end["data"]["code"] == "workflow_crashed"
    assert "did not connect" in end["data"]["message"]


async def test_who_has_not_said_hello_can_be_cancelled(place: Place) -> None:
    """At once, and its process is gone."""
    run = await place.start("mute")
    await place.runs.cancel(run, "enough")
    assert (await place.kept.end(run))["data"] == {"reason": "enough"}
    assert place.kept.types(run) == ["run_start", "cancelled"]
    await place.runs.stop("cancel", "end", 5)


async def test_strangers_at_the_door_get_nothing(place: Place, tmp_path: Path) -> None:
    """A connection of no run is told to end; one that says nothing keeps nobody waiting."""
    address = str(tmp_path / "data" / "runs.sock")
    assert Path(address).stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as loud:
        silent.connect(address)
        loud.connect(address)
        loud.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(loud, b"GET / HTTP/1.1\r\n\r\n")
        assert await loop.sock_recv(loud, 100) == b'{"end":true}\n'
        run = await place.start("drips")
        assert (await place.kept.end(run))["type"] == "complete"


async def test_runs_beside_an_impostor_do_not_notice(place: Place) -> None:
    """A flood of garbage from one is nothing to the others."""
    good = [await place.start("drips") for _ in range(3)]
    bad = [await place.start(name) for name in ("an_endless_line", "abyss", "a_long_line")]
    assert [(await place.kept.end(run))["type"] for run in good] == ["complete"] * 3
    assert [(await place.kept.end(run))["type"] for run in bad] == ["error"] * 3

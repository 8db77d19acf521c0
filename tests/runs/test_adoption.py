"""What a new server makes of the runs that an earlier one left."""

import os
import signal
from typing import Any

import pytest
from msgspec.structs import replace

from server.records import RunRecord
from server.runs import Found
from server.runs.adoption import Course, course, greeting, lines, time_left
from server.runs.process import Stat, boot_id
from tests.runs.conftest import Open, Place, a_record, alive, until_gone

BOOT = "this boot"
STARTED = replace(
    a_record("w"), state="running", start_given=True, pid=4711, pid_started=99, boot=BOOT
)

COURSES: list[tuple[str, RunRecord, Stat | None, Course]] = [
    ("never started", a_record("w"), None, Course.QUEUE),
    ("cancelled before its start", replace(a_record("w"), cancel="x"), None, Course.QUEUE),
    ("lives", STARTED, Stat("S", 1, 99), Course.AWAIT),
    ("is stopped", STARTED, Stat("T", 1, 99), Course.AWAIT),
    ("lives, to be cancelled", replace(STARTED, cancel="x"), Stat("R", 1, 99), Course.AWAIT),
    ("is gone", STARTED, None, Course.BURY),
    ("is a zombie", STARTED, Stat("Z", 1, 99), Course.BURY),
    ("is another process", STARTED, Stat("S", 1, 100), Course.BURY),
    ("was before the boot", replace(STARTED, boot="that boot"), Stat("S", 1, 99), Course.BURY),
]


@pytest.mark.parametrize(("record", "seen", "expected"), [each[1:] for each in COURSES],
                         ids=[each[0] for each in COURSES])  # fmt: skip
def test_course(record: RunRecord, seen: Stat | None, expected: Course) -> None:
    """A start is given once; after it only the very same living process is waited for."""
    assert course(record, seen, BOOT) is expected


def test_time_goes_on_while_no_server_lives() -> None:
    """What is left counts from the start, by the clock of the boot; of another boot it is whole."""
    record = replace(STARTED, timeout=60, deadline=1060.0)
    assert time_left(record, BOOT, 1010.0) == 50
    assert time_left(record, BOOT, 2000.0) == 0
    assert time_left(replace(record, deadline=0), BOOT, 2000.0) == 60
    assert time_left(record, "another boot", 5.0) == 60


def test_greeting_repeats_what_may_not_have_arrived() -> None:
    """The cancel, and the answers to what is still asked, in an order in which none is in vain."""
    record = replace(STARTED, cancel="enough", answers={"q1": 1, "q2": 2, "q3": 3})
    said = greeting(record, 7, ["q2", "q4"])
    assert tuple(said) == (7, "enough", {"q2": 2})
    names = [
        line.partition(b'"')[2].partition(b'"')[0] for line in lines(said, record).splitlines()
    ]
    assert names == [b"welcome", b"cancel", b"start", b"input"]
    assert greeting(replace(record, cancel=None), 7, [], timed_out=True).cancel == "timeout"


# With real processes: what a server finds that was killed at a certain moment.


async def left_behind(open_runs: Open, workflow: str, **given: Any) -> tuple[Place, str]:
    """A run whose server is gone: its process lives, its log stands."""
    async with open_runs(stop="leave", cancel_grace_seconds=0.5) as place:
        run = await place.started(workflow, **given)
    assert alive(place.kept.records[run].pid)
    return place, run


def found(place: Place, run: str, **changed: Any) -> list[Found]:
    """What the next server finds; `changed` is what was committed in the last moment."""
    place.kept.records[run] = replace(place.kept.records[run], **changed)
    return [Found(place.kept.records[run], place.kept.last_number(run))]


async def test_a_cancel_that_was_committed_arrives(open_runs: Open) -> None:
    """Though its server died before it could pass it on."""
    place, run = await left_behind(open_runs, "waits")
    async with open_runs(kept=place.kept, found=found(place, run, cancel="enough")):
        assert (await place.kept.end(run))["data"] == {"reason": "enough"}
        await until_gone(place.kept.records[run].pid)


async def test_an_answer_that_was_committed_arrives(open_runs: Open) -> None:
    """Though its server died before it could pass it on; the log has it once."""
    place, run = await left_behind(open_runs, "asks")
    late = found(place, run, answers={"q1": 42}, asking={})
    async with open_runs(kept=place.kept, found=late):
        assert (await place.kept.end(run))["data"] == {"result": 42}


async def test_a_start_that_was_committed_arrives(open_runs: Open) -> None:
    """A process that had said hello, and whose server died before it could say start."""
    async with open_runs(stop="leave", max_runs=1) as place:
        run = await place.start("chatty", count=2)
        await place.kept.until(lambda: place.kept.records[run].start_given)
    async with open_runs(kept=place.kept, found=found(place, run)):
        await place.kept.end(run)
        assert place.kept.types(run) == ["run_start", "step", "step", "complete"]


async def test_a_run_out_of_time_is_stopped_by_the_next_server(open_runs: Open) -> None:
    """Its limit counts from its start, servers or none."""
    place, run = await left_behind(open_runs, "waits", timeout=60)
    late = found(place, run, deadline=1.0)
    async with open_runs(kept=place.kept, found=late, cancel_grace_seconds=0.5):
        assert (await place.kept.end(run))["data"]["code"] == "workflow_timeout"


async def test_a_deaf_run_is_killed_by_the_next_server(open_runs: Open) -> None:
    """The grace and the kill of the whole group work as on an own run."""
    place, run = await left_behind(open_runs, "ignores")
    async with open_runs(kept=place.kept, found=found(place, run), cancel_grace_seconds=0.3) as it:
        await it.runs.cancel(run, "enough")
        assert (await place.kept.end(run))["data"]["code"] == "workflow_unresponsive"
        await until_gone(place.kept.records[run].pid)


async def test_a_process_that_is_gone_is_lost_at_once(open_runs: Open) -> None:
    """Nobody waits for it, and it cannot be cancelled any more."""
    place, run = await left_behind(open_runs, "waits")
    os.kill(place.kept.records[run].pid, signal.SIGKILL)
    await until_gone(place.kept.records[run].pid)
    async with open_runs(kept=place.kept, found=found(place, run), reattach_seconds=3600):
        end = await place.kept.end(run)
        assert end["data"]["code"] == "run_lost"
        assert "no server was there" in end["data"]["message"]


async def test_one_that_is_gone_after_its_cancel_was_accepted_is_cancelled(
    open_runs: Open,
) -> None:
    """What was asked for has come true, whoever did it."""
    place, run = await left_behind(open_runs, "waits")
    os.kill(place.kept.records[run].pid, signal.SIGKILL)
    await until_gone(place.kept.records[run].pid)
    async with open_runs(kept=place.kept, found=found(place, run, cancel="enough")):
        assert (await place.kept.end(run))["data"] == {"reason": "enough"}


async def test_a_stranger_with_the_pid_is_left_alone(open_runs: Open) -> None:
    """The run is lost, and no signal is sent."""
    me = os.getpid()
    record = replace(
        a_record("waits"), state="running", start_given=True, pid=me, pid_started=1,
        boot=boot_id(), secret_hash="00" * 32,
    )  # fmt: skip
    async with open_runs(found=[Found(record)]) as place:
        assert (await place.kept.end(record.id))["data"]["code"] == "run_lost"


async def test_who_does_not_come_back_is_killed(open_runs: Open) -> None:
    """After the time that a run and a server wait for each other."""
    place, run = await left_behind(open_runs, "waits")
    pid = place.kept.records[run].pid
    os.kill(pid, signal.SIGSTOP)
    async with open_runs(kept=place.kept, found=found(place, run), reattach_seconds=0.3):
        end = await place.kept.end(run)
        assert end["data"]["code"] == "run_lost"
        assert "did not come" in end["data"]["message"]
        await until_gone(pid)


async def test_who_is_cancelled_while_out_of_reach_is_waited_for_no_longer_than_the_grace(
    open_runs: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is killed, and was cancelled."""
    monkeypatch.setattr("server.runs.timers.HANGUP_SECONDS", 0.1)
    place, run = await left_behind(open_runs, "waits")
    pid = place.kept.records[run].pid
    os.kill(pid, signal.SIGSTOP)
    async with open_runs(kept=place.kept, found=found(place, run), cancel_grace_seconds=0.2) as it:
        await it.runs.cancel(run, "enough")
        assert (await place.kept.end(run))["data"] == {"reason": "enough"}
        await until_gone(pid)


async def test_adopted_runs_have_their_places(open_runs: Open) -> None:
    """New runs wait for theirs, however many those are."""
    place, run = await left_behind(open_runs, "finishes_when_told")
    async with open_runs(kept=place.kept, found=found(place, run), max_runs=1) as it:
        other = await it.start("silent")
        assert [each.state for each in it.runs.active()] == ["running", "queued"]
        await it.runs.cancel(run, "enough")
        await place.kept.end(run)
        await place.kept.end(other)


async def test_a_death_is_seen_by_the_next_server(open_runs: Open) -> None:
    """A process that came back and then dies has crashed: only its exit code is not to be had."""
    place, run = await left_behind(open_runs, "waits")
    async with open_runs(kept=place.kept, found=found(place, run)) as it:
        await it.reached(run)
        os.kill(place.kept.records[run].pid, signal.SIGKILL)
        end = await place.kept.end(run)
        assert end["data"]["code"] == "workflow_crashed"
        assert "exit_code" not in end["data"]["detail"]


async def test_a_process_of_a_run_that_nobody_knows_is_sent_away(open_runs: Open) -> None:
    """A run whose end is committed needs its process no more."""
    place, run = await left_behind(open_runs, "waits")
    async with open_runs(kept=place.kept):
        await until_gone(place.kept.records[run].pid)

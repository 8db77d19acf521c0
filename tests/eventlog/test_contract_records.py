"""What every back end owes to sessions and runs: the contract of server.eventlog, rule by rule."""

import asyncio

import msgspec
import pytest

from server.eventlog import EventLog
from server.eventlog.memory import MemoryLog
from server.records import Head
from tests.eventlog.conftest import Opener
from tests.eventlog.making import drafts, ended, offsets, run, session, unnumbered

# -- sessions


async def test_a_session_is_stored_with_its_first_append(events: EventLog) -> None:
    """The head has the record as it was given, and where the log stands."""
    record = session(labels={"team": "α", "n": "1"})
    assert await events.head("s1") is None
    await events.append(record, unnumbered(2))
    assert await events.head("s1") == Head(record=record, last=2, order=1)


async def test_a_session_keeps_its_first_epoch(events: EventLog) -> None:
    """Later appends under the same id change neither epoch nor labels."""
    first = session(labels={"a": "1"})
    await events.append(first, unnumbered(1))
    await events.append(session(labels={"b": "2"}), unnumbered(1))
    head = await events.head("s1")
    assert head is not None
    assert (head.record, head.last) == (first, 2)


async def test_create_stores_or_finds(events: EventLog) -> None:
    """Creating a session twice gives the first one, with its events."""
    record = session(labels={"a": "1"})
    assert await events.create(record) == Head(record=record, order=1)
    await events.append(record, unnumbered(1))
    assert await events.create(session()) == Head(record=record, last=1, order=1)


async def test_the_run_decides_the_sessions_state(events: EventLog) -> None:
    """Waiting until a run, running while it is active, closed after it; and so on again."""
    states = []
    for record in (None, run(state="queued"), run(), ended(), run("r_2"), ended("r_2")):
        await events.append(session(), unnumbered(1), record=record)
        head = await events.head("s1")
        assert head is not None
        states.append((head.state, head.run))
    assert states == [
        ("waiting", None),
        ("running", "r_1"),
        ("running", "r_1"),
        ("closed", "r_1"),
        ("running", "r_2"),
        ("closed", "r_2"),
    ]


async def test_a_late_word_on_an_earlier_run_does_not_close_the_session(events: EventLog) -> None:
    """While a run is active, the record of one that ended before changes only itself."""
    await events.append(session(), [], record=ended("r_1"))
    await events.append(session(), [], record=run("r_2"))
    await events.append(session(), [], record=ended("r_1", answers={"q": 1}))
    head = await events.head("s1")
    assert head is not None
    assert (head.state, head.run) == ("running", "r_2")


async def test_the_list_is_newest_first_in_pages(events: EventLog) -> None:
    """Pages that go on from ``order`` make up the whole list, newest first."""
    names = [f"s{number}" for number in range(7)]
    for name in names:
        await events.append(session(name), unnumbered(int(name[1:])))
    listed: list[Head] = []
    while page := await events.sessions(limit=3, before=listed[-1].order if listed else None):
        listed += page
    assert [(head.record.id, head.last) for head in listed] == [
        (name, int(name[1:])) for name in reversed(names)
    ]


async def test_the_list_can_be_of_one_state(events: EventLog) -> None:
    """A list of one state has the sessions that are in it now."""
    for name, record in (("w", None), ("r", run("r_1")), ("c", ended("r_2")), ("r2", run("r_3"))):
        await events.append(session(name), unnumbered(1), record=record)
    listed = {
        state: [head.record.id for head in await events.sessions(limit=9, state=state)]
        for state in ("waiting", "running", "closed")
    }
    assert listed == {"waiting": ["w"], "running": ["r2", "r"], "closed": ["c"]}


# -- where a producer goes on


async def test_the_last_number_of_a_producer(opener: Opener) -> None:
    """It is the highest that is committed of it in that session, also after a restart."""
    async with opener() as events:
        assert await events.last_number("s1", "r_1") == 0
        await events.append(session(), unnumbered(2))
        await events.append(session(), drafts(1, 2, 3, text="x" * 900), producer="r_1")
        await events.append(session(), drafts(1), producer="r_2")
        await events.append(session("s2"), drafts(7), producer="r_1")
        await events.append(session(), drafts(2, 4, text="x" * 900), producer="r_1")
        await events.append(session(), [], producer="r_1", record=run())
        expected = {("s1", "r_1"): 4, ("s1", "r_2"): 1, ("s2", "r_1"): 7, ("s2", "r_2"): 0}
        await _has_numbers(events, expected)
        for number in range(5, 60):  # enough to be packed away, where a store packs
            await events.append(session(), drafts(number, text="x" * 200), producer="r_1")
            assert await events.last_number("s1", "r_1") == number
    if not isinstance(events, MemoryLog):
        async with opener() as events:
            await _has_numbers(events, {**expected, ("s1", "r_1"): 59})
            await events.delete("s1")
            assert await events.last_number("s1", "r_1") == 0


async def _has_numbers(events: EventLog, expected: dict[tuple[str, str], int]) -> None:
    for (name, producer), number in expected.items():
        assert await events.last_number(name, producer) == number


# -- the end of a session


async def test_delete_takes_everything(events: EventLog) -> None:
    """After a deletion neither events nor runs nor a producer's numbers are left."""
    await events.append(session(), drafts(1, 2), producer="r_1", record=run(idempotency_key="key"))
    assert await events.delete("s1")
    assert not await events.delete("s1")
    assert await events.head("s1") is None
    assert await events.read("s1", 0) == []
    assert events.recent("s1", 0) is None
    assert await events.sessions(limit=9) == []
    assert await events.runs("s1") == []
    assert await events.active_runs() == []
    assert await events.run("r_1") is None
    assert await events.run_by_key("key", "2000") is None


async def test_a_session_of_the_same_name_begins_anew(events: EventLog) -> None:
    """A name that is used again after a deletion has an empty log of its own."""
    await events.append(session(), drafts(1, 2, 3), producer="r_1", record=run())
    deleting = asyncio.ensure_future(events.delete("s1"))
    await asyncio.sleep(0)
    again = session()
    appended = await events.append(again, drafts(1), producer="r_1", record=run())
    assert await deleting
    assert offsets(appended) == [1]
    head = await events.head("s1")
    assert head is not None
    assert (head.record, head.last) == (again, 1)
    assert await events.runs("s1") == [run()]


async def test_expired_are_the_sessions_that_closed_before(events: EventLog) -> None:
    """Closed before that time: those are named, longest closed first, at most ``limit``."""
    for hour in (14, 11, 12, 13):
        at = f"2026-11-22T{hour}:00:00.000000Z"
        await events.append(session(f"s{hour}"), unnumbered(1), record=ended(f"r_{hour}", at))
    await events.append(session("active"), unnumbered(1), record=run("r_a", "active"))
    await events.append(session("waiting"), unnumbered(1))
    before = "2026-11-22T13:30:00.000000Z"
    assert await events.expired(before, limit=2) == ["s11", "s12"]
    assert await events.expired(before) == ["s11", "s12", "s13"]
    await events.delete("s12")
    assert await events.expired(before) == ["s11", "s13"]


async def test_expired_spares_a_session_that_runs_again(events: EventLog) -> None:
    """A session whose newest run is active is not over."""
    await events.append(session(), unnumbered(1), record=ended("r_1"))
    await events.append(session(), unnumbered(1), record=run("r_2"))
    assert await events.expired("2027") == []
    await events.append(session(), unnumbered(1), record=ended("r_2"))
    assert await events.expired("2027") == ["s1"]


# -- runs


FULL = run(
    labels={"who": "β"},
    input={"topic": "x", "deep": [1, {"a": None}], "n": 2**63},
    state="error",
    started="2026-11-22T22:00:01.000000Z",
    ended="2026-11-22T22:00:02.000000Z",
    result={"any": ["json", 1.5, None, True]},
    error={"code": "workflow_error", "message": "it raised", "detail": {"line": 3}},
    node="n1",
    pid=4711,
    pid_started=123456,
    boot="b",
    secret_hash="00ff",
    start_given=True,
    deadline=4711.5,
    cancel="asked",
    asking={"q1": {"type": "boolean"}, "q2": None},
    answers={"q0": {"yes": [True]}},
    idempotency_key="key",
    request_hash="h",
)


async def test_every_field_of_a_record_survives(events: EventLog) -> None:
    """A record is given back as it was, field by field."""
    unset = [name for name, value in msgspec.structs.asdict(FULL).items() if not value]
    assert unset == []
    await events.append(session(), [], record=FULL)
    assert await events.run("r_1") == FULL


async def test_a_record_is_replaced_whole(events: EventLog) -> None:
    """The last record of a run is the one that counts, with or without events beside it."""
    for record in (run(state="queued"), run(pid=1), FULL, ended()):
        await events.append(session(), [], record=record)
        assert await events.run("r_1") == record
    assert await events.runs("s1") == [ended()]


async def test_two_records_in_one_commit(events: EventLog) -> None:
    """Of several records of one run that become durable together the last one counts."""
    waiting = [events.append(session(), [], record=record) for record in (run(), FULL, ended())]
    await asyncio.gather(*waiting)
    assert await events.run("r_1") == ended()


async def test_runs_are_listed_oldest_first(events: EventLog) -> None:
    """A session's runs are in the order of their first records, whatever changed since."""
    for name in ("r_3", "r_1", "r_2"):
        await events.append(session(), unnumbered(1), record=ended(name))
    await events.append(session(), [], record=ended("r_3", result=1))
    await events.append(session("s2"), [], record=run("r_9", "s2"))
    assert [kept.id for kept in await events.runs("s1")] == ["r_3", "r_1", "r_2"]
    assert await events.runs("nobody") == []


async def test_active_runs_are_those_without_an_end(events: EventLog) -> None:
    """What a new server finds: each run that has not ended, oldest first."""
    for name, record in (
        ("s1", run("r_1", "s1", state="queued")),
        ("s2", run("r_2", "s2", state="starting")),
        ("s3", run("r_3", "s3")),
        ("s4", ended("r_4", in_session="s4")),
    ):
        await events.append(session(name), [], record=record)
    await events.append(session("s2"), [], record=ended("r_2", in_session="s2"))
    assert [active.id for active in await events.active_runs()] == ["r_1", "r_3"]


async def test_a_run_is_found_by_its_key_for_a_while(events: EventLog) -> None:
    """The newest run with the key, if it was created after that time."""
    for name, hour in (("r_1", 10), ("r_2", 12)):
        created = f"2026-11-22T{hour}:00:00.000000Z"
        record = ended(name, created=created, idempotency_key="key")
        await events.append(session(name), [], record=record)
    found = await events.run_by_key("key", "2026-11-22T09:00:00.000000Z")
    assert found is not None
    assert found.id == "r_2"
    assert await events.run_by_key("key", "2026-11-22T12:00:00.000000Z") is None
    assert await events.run_by_key("another", "2026") is None


async def test_a_record_that_is_not_json_is_refused_at_the_call(events: EventLog) -> None:
    """The one who made a bad record hears of it, and nobody else."""
    with pytest.raises(TypeError):
        events.append(session(), [], record=run(result=object()))
    assert await events.head("s1") is None

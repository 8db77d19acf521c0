"""What every back end owes: the contract of server.eventlog, rule by rule."""

import asyncio

import msgspec
import pytest

from server.eventlog import PAGE_BYTES, EventLog
from server.events import Draft, Event, server_draft
from server.records import Head
from tests.eventlog.making import drafts, ended, offsets, run, session, unnumbered, until, whole

# -- order, and what an event is


async def test_offsets_begin_at_one_and_have_no_hole(events: EventLog) -> None:
    """Offsets are 1, 2, 3, … in the order of the appends, for each session."""
    one, two = session("s1"), session("s2")
    waiting = [
        events.append(which, unnumbered(count)) for which, count in ((one, 2), (two, 1), (one, 3))
    ]
    assert [offsets(await each) for each in waiting] == [[1, 2], [1], [3, 4, 5]]


async def test_an_event_is_its_draft_with_an_offset(events: EventLog) -> None:
    """The bytes that are read are the draft's, after the offset."""
    draft = server_draft("progress", "r_1", {"label": 'a "quoted", naïve \\ line\n'})
    appended = await events.append(session(), [draft])
    assert appended == [draft.at(1)]
    assert await events.read("s1", 0) == [draft.at(1)]


async def test_what_was_appended_reads_the_same_ever_after(events: EventLog) -> None:
    """Events do not change, whatever is appended after them."""
    first = await events.append(session(), unnumbered(3))
    for _ in range(50):
        await events.append(session(), unnumbered(2))
    assert (await events.read("s1", 0, 3)) == first


async def test_a_draft_with_a_line_end_is_refused(events: EventLog) -> None:
    """An event is one line, so a draft with a line end raises at the call."""
    with pytest.raises(ValueError, match="one line"):
        events.append(session(), [Draft("x", b'"time":"t","type":"x","data":{\n}}')])
    assert await events.head("s1") is None


async def test_nothing_is_visible_before_its_future_is_done(events: EventLog) -> None:
    """What can be read is durable: an append shows only when it is committed."""
    appending = events.append(session(), unnumbered(1))
    if not appending.done():
        assert events.recent("s1", 0) is None
        assert await events.read("s1", 0) == [] or appending.done()
    await appending
    assert offsets(await events.read("s1", 0)) == [1]


async def test_a_caller_that_gave_up_loses_nobody_elses_answer(events: EventLog) -> None:
    """A cancelled future hurts neither its own append nor the others of its group."""
    gone = events.append(session(), unnumbered(1))
    gone.cancel()
    assert offsets(await events.append(session(), unnumbered(1))) == [2]


# -- exactly once


async def test_a_repeated_number_is_left_out(events: EventLog) -> None:
    """Of a producer's drafts only those past its highest number are new."""
    assert offsets(await events.append(session(), drafts(1, 2, 3), producer="r_1")) == [1, 2, 3]
    assert await events.append(session(), drafts(2, 3), producer="r_1") == []
    assert offsets(await events.append(session(), drafts(3, 4, 5), producer="r_1")) == [4, 5]


async def test_a_number_repeated_before_the_first_is_committed_is_left_out(
    events: EventLog,
) -> None:
    """A repeat is known although its first is still on the way."""
    waiting = [events.append(session(), drafts(1, 2), producer="r_1") for _ in range(3)]
    assert [offsets(await each) for each in waiting] == [[1, 2], [], []]


async def test_a_number_repeated_in_one_append_is_left_out(events: EventLog) -> None:
    """A repeat is known within one append too."""
    assert offsets(await events.append(session(), drafts(1, 1, 2, 2), producer="r_1")) == [1, 2]


async def test_producers_do_not_share_numbers(events: EventLog) -> None:
    """Each producer counts for itself."""
    await events.append(session(), drafts(1, 2), producer="r_1")
    assert offsets(await events.append(session(), drafts(1), producer="r_2")) == [3]


async def test_the_servers_own_events_are_never_repeats(events: EventLog) -> None:
    """A draft without a number is always new, whoever's name it comes with."""
    await events.append(session(), drafts(5), producer="r_1")
    assert offsets(await events.append(session(), unnumbered(2), producer="r_1")) == [2, 3]
    assert offsets(await events.append(session(), unnumbered(1))) == [4]


async def test_a_repeat_keeps_the_record_that_came_with_it(events: EventLog) -> None:
    """A record is stored although all drafts beside it are repeats."""
    await events.append(session(), drafts(1), producer="r_1", record=run())
    await events.append(session(), drafts(1), producer="r_1", record=ended())
    assert await events.run("r_1") == ended()
    assert (await whole(events, "s1")) == await events.read("s1", 0)


# -- pages


async def test_a_page_has_at_most_limit_events(events: EventLog) -> None:
    """Pages of any limit, put together, are the log."""
    log = [(await events.append(session(), unnumbered(1)))[0] for _ in range(60)]
    for limit in (1, 7, 1000):
        assert await whole(events, "s1", limit) == log
    assert offsets(await events.read("s1", 10, 3)) == [11, 12, 13]


async def test_a_page_is_bounded_in_bytes(events: EventLog) -> None:
    """A page holds at most so many bytes, but always one event, however long that is."""
    long = "x" * (PAGE_BYTES // 3)
    await events.append(session(), unnumbered(4, long))
    await events.append(session(), unnumbered(1, "x" * (PAGE_BYTES + 1)))
    assert offsets(await events.read("s1", 0)) == [1, 2]
    assert offsets(await events.read("s1", 4)) == [5]
    assert offsets(await whole(events, "s1")) == [1, 2, 3, 4, 5]


async def test_reading_ends_at_the_end(events: EventLog) -> None:
    """A page is empty at the end of the log and where there is none."""
    await events.append(session(), unnumbered(2))
    assert await events.read("s1", 2) == []
    assert await events.read("nobody", 0) == []


async def test_recent_is_everything_after_or_nothing(events: EventLog) -> None:
    """What memory gives is all there is after that offset, or None."""
    log: list[Event] = []
    for _ in range(30):
        log += await events.append(session(), unnumbered(3))
        for after in (0, len(log) - 1, len(log)):
            recent = events.recent("s1", after)
            assert recent is None or list(recent) == log[after:]
    assert events.recent("nobody", 0) is None


# -- watching


def _raise() -> None:
    raise RuntimeError("a bug in a watcher")


async def test_a_watcher_is_woken_by_a_commit(events: EventLog) -> None:
    """After a commit its watchers are called, and can read it."""
    seen: list[int] = []
    with events.watch("s1", lambda: seen.append(1)):
        await events.append(session("s1"), unnumbered(1))
        await until(lambda: bool(seen))
    assert await events.read("s1", 0)


async def test_other_sessions_and_past_watchers_sleep_on(events: EventLog) -> None:
    """A commit wakes nobody who does not watch that session now."""
    seen: list[str] = []
    with events.watch("s1", lambda: seen.append("past")):
        pass
    with (
        events.watch("s2", lambda: seen.append("other")),
        events.watch("s1", lambda: seen.append("one")),
        events.watch("s1", lambda: seen.append("two")),
    ):
        await events.append(session("s1"), unnumbered(1))
        await until(lambda: "two" in seen)
    assert seen == ["one", "two"]


async def test_a_watcher_that_raises_leaves_nobody_asleep(events: EventLog) -> None:
    """One watcher's bug is its own: the next one is woken all the same."""
    seen: list[int] = []
    with (
        events.watch("s1", _raise),
        events.watch("s1", lambda: seen.append(1)),
    ):
        await events.append(session(), unnumbered(1))
        await until(lambda: bool(seen))
        assert offsets(await events.append(session(), unnumbered(1))) == [2]


async def test_watchers_hear_of_the_deletion(events: EventLog) -> None:
    """A session that is deleted wakes its watchers, who find it gone."""
    await events.append(session(), unnumbered(1))
    gone = asyncio.Event()
    with events.watch("s1", gone.set):
        gone.clear()
        assert await events.delete("s1")
        await gone.wait()
    assert await events.head("s1") is None


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
        await events.append(session(name), unnumbered(number := int(name[1:])))
        assert number >= 0
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


async def test_expiry_takes_the_sessions_that_closed_before(events: EventLog) -> None:
    """Closed and over before that time: those go, longest closed first, at most ``limit``."""
    for hour in (14, 11, 12, 13):
        at = f"2026-11-22T{hour}:00:00.000000Z"
        await events.append(session(f"s{hour}"), unnumbered(1), record=ended(f"r_{hour}", at))
    await events.append(session("active"), unnumbered(1), record=run("r_a", "active"))
    await events.append(session("waiting"), unnumbered(1))
    before = "2026-11-22T13:30:00.000000Z"
    assert await events.expire(before, limit=2) == ["s11", "s12"]
    assert await events.expire(before) == ["s13"]
    assert await events.expire(before) == []
    left = [head.record.id for head in await events.sessions(limit=9)]
    assert left == ["waiting", "active", "s14"]


async def test_expiry_spares_a_session_that_runs_again(events: EventLog) -> None:
    """A session whose newest run is active is not over."""
    await events.append(session(), unnumbered(1), record=ended("r_1"))
    await events.append(session(), unnumbered(1), record=run("r_2"))
    assert await events.expire("2027") == []
    await events.append(session(), unnumbered(1), record=ended("r_2"))
    assert await events.expire("2027") == ["s1"]


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


# -- many at once


async def test_many_sessions_at_once(events: EventLog) -> None:
    """Appends of many sessions that share commits keep each session's order."""
    sessions = [session(f"s{number}") for number in range(50)]
    waiting = [
        events.append(which, drafts(n), producer=f"r_{which.id}")
        for n in range(1, 21)
        for which in sessions
    ]
    await asyncio.gather(*waiting)
    for which in sessions:
        assert offsets(await whole(events, which.id)) == list(range(1, 21))

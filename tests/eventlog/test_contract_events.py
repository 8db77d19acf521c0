"""What every back end owes to events: the contract of server.eventlog, rule by rule."""

import asyncio
import socket
from contextlib import suppress

import pytest

from server.eventlog import PAGE_BYTES, EventLog
from server.events import Draft, Event, server_draft
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


async def test_a_repeat_behind_a_commit_is_answered_and_so_is_the_commit(events: EventLog) -> None:
    """An append with nothing new hides no answer, whenever it comes."""
    for turns in range(6):
        first = events.append(session(), drafts(2 * turns + 1, 2 * turns + 2), producer="r_1")
        for _ in range(turns):
            await asyncio.sleep(0)
        repeats = [events.append(session(), drafts(1), producer="r_1") for _ in range(3)]
        async with asyncio.timeout(20):
            assert offsets(await first) == [2 * turns + 1, 2 * turns + 2]
            assert [await each for each in repeats] == [[], [], []]


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


async def test_a_feed_is_drawn_from_while_it_is_open(events: EventLog) -> None:
    """What is submitted in a feed's turn is committed; a feed that has left is not asked again."""
    here, there = socket.socketpair()
    said = []

    def turn() -> None:
        with suppress(BlockingIOError):
            said.append(here.recv(100))
            events.submit(session(), unnumbered(1), lambda *_: None)

    with here, there:
        here.setblocking(False)
        with events.feed(here.fileno(), turn):
            there.send(b"x")
            async with asyncio.timeout(60):
                while not await whole(events, "s1"):
                    await asyncio.sleep(0)
        there.send(b"y")
        await events.append(session("s2"), unnumbered(1))
        assert said == [b"x"]

"""What SQLite owes beyond the contract: another life, bounds, and its housekeeping."""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import apsw
import apsw.ext
import pytest

from server.eventlog import EventLog, checkpoint, rows, schema, sqlite
from server.eventlog.packing import Pass
from server.eventlog.waiting import GROUP_BYTES
from server.events import Event
from tests.eventlog.conftest import restless
from tests.eventlog.making import (
    asked,
    drafts,
    ended,
    offsets,
    run,
    session,
    unnumbered,
    until,
    whole,
)

# -- another life


async def test_closing_commits_what_waits(path: Path) -> None:
    """Appends that were made before the end are kept, and answered."""
    async with sqlite.open(path) as events:
        waiting = [events.append(session(), unnumbered(1)) for _ in range(10)]
    assert [offsets(each.result()) for each in waiting] == [[n] for n in range(1, 11)]
    async with sqlite.open(path) as events:
        assert len(await events.read("s1", 0)) == 10


async def test_a_closed_log_takes_nothing(path: Path) -> None:
    """An append after the end fails instead of waiting for ever."""
    async with sqlite.open(path) as events:
        pass
    with pytest.raises(Exception, match="closed"):
        await events.append(session(), unnumbered(1))


@pytest.mark.parametrize("lives", [1, 2, 5])
async def test_the_log_goes_on_in_another_life(path: Path, lives: int) -> None:
    """Offsets, numbers and epochs go on where they were, however much was packed between."""
    log: list[Event] = []
    record = session()
    for life in range(lives):
        async with restless(path) as events:
            for n in range(1, 31):
                repeated = drafts(*range(1, life * 30 + n + 1), text="w" * n)
                log += await events.append(record, repeated, producer="r_1")
            assert await whole(events, "s1") == log
    assert len(log) == lives * 30


@pytest.mark.usefixtures("as_killed")
async def test_a_restart_in_the_middle_of_packing(path: Path) -> None:
    """A journal of which a part is packed or deleted already goes on behind its last row."""
    log: list[Event] = []
    for n in range(1, 41):
        async with sqlite.open(path, journal_bytes=3000, calm_seconds=0.0) as events:
            log += await events.append(session(), unnumbered(3, "x" * 100))
            log += await events.append(session(), drafts(*range(1, n + 1)), producer="r_1")
    async with sqlite.open(path) as events:
        assert await whole(events, "s1") == log
    assert len(log) == 40 * 4
    assert asked(path, "SELECT count(*) > 0, min(position) > 1 FROM journal") == [(1, 1)]


async def test_a_feed_without_end_queues_nothing_up(path: Path) -> None:
    """What is drawn waits in the feed, not in the log: who comes behind it would wait with it."""
    waiting, most = 0, 0

    def told(events: Sequence[Event], _error: Exception | None) -> None:
        nonlocal waiting
        waiting -= sum(len(event.line) for event in events)

    def turn() -> None:
        nonlocal waiting, most
        for name in ("s1", "s2", "s3"):
            flood = unnumbered(1, "x" * (GROUP_BYTES // 2))
            waiting += sum(len(draft.tail) for draft in flood)
            events.submit(session(name), flood, told)
        most = max(most, waiting)

    here, there = socket.socketpair()
    with here, there:
        there.send(b"x")  # and nobody reads it: there is always something to draw
        async with sqlite.open(path) as events:
            with events.feed(here.fileno(), turn):
                for _ in range(20):
                    await events.append(session(), unnumbered(1))
    assert GROUP_BYTES < most < 4 * GROUP_BYTES


async def test_a_run_that_goes_on_is_looked_up_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number stays at hand however often its events are packed; when it has ended it goes."""
    asked_for: list[tuple[str, str]] = []
    find = rows.find

    def noted(connection: apsw.Connection, wanted: set[tuple[str, str]]) -> object:
        asked_for.extend(wanted)
        return find(connection, wanted)

    monkeypatch.setattr(rows, "find", noted)
    async with sqlite.open(path, journal_bytes=3000) as events:
        await events.append(session(), [], producer="r_1", record=run())
        for n in range(1, 41):
            await events.append(session(), drafts(n, text="x" * 200), producer="r_1")
        assert asked_for == [("s1", "r_1")]
        await events.append(session(), drafts(41, text="x" * 3000), producer="r_1", record=ended())
        await until(lambda: asked(path, "SELECT count(*) FROM journal") == [(0,)])
        assert offsets(await events.append(session(), drafts(41, 42), producer="r_1")) == [42]
    assert asked_for == 2 * [("s1", "r_1")]


async def test_a_clean_end_leaves_nothing_to_read(path: Path) -> None:
    """A log that was closed is packed: the next start has no journal to bring into memory."""
    async with sqlite.open(path) as events:
        log = await events.append(session(), unnumbered(5))
        log = [*log, *await events.append(session(), drafts(1, 2), producer="r_1", record=run())]
    assert asked(path, "SELECT count(*) FROM journal") == [(0,)]
    async with sqlite.open(path) as events:
        assert events.recent("s1", 0) is None
        assert await whole(events, "s1") == log
        assert offsets(await events.append(session(), drafts(2, 3), producer="r_1")) == [8]


async def test_an_end_that_cannot_pack_keeps_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can wait does not fail the end of a log: the journal is left as by a kill."""
    async with sqlite.open(path) as events:
        log = await events.append(session(), unnumbered(5))
        monkeypatch.setattr(Pass, "step", lambda *_: 1 / 0)
    monkeypatch.undo()
    async with sqlite.open(path) as events:
        assert await whole(events, "s1") == log


@pytest.mark.usefixtures("as_killed")
async def test_recent_events_are_back_in_memory(path: Path) -> None:
    """What was not packed when the process was killed is in memory again after a restart."""
    async with sqlite.open(path) as events:
        log = await events.append(session(), unnumbered(5))
    async with sqlite.open(path) as events:
        assert events.recent("s1", 2) == log[2:]


async def test_epochs_are_kept_unless_a_copy_was_restored(path: Path) -> None:
    """Only ``new_epoch`` changes epochs: those of all sessions, and nothing else."""
    record = session(labels={"a": "1"})
    async with sqlite.open(path) as events:
        log = await events.append(record, unnumbered(3))
        await events.create(session("s2"))
    async with sqlite.open(path) as events:
        before = await events.sessions(limit=9)
    async with sqlite.open(path, new_epoch=True) as events:
        after = await events.sessions(limit=9)
        assert await events.read("s1", 0) == log
    assert before[1].record == record
    epochs = [head.record.epoch for head in before + after]
    assert len(set(epochs)) == 4
    assert all(re.fullmatch("[a-z0-9]{8}", epoch) for epoch in epochs)
    async with sqlite.open(path) as events:
        assert await events.sessions(limit=9) == after


# -- bounds


async def test_packing_lets_memory_and_journal_go(path: Path) -> None:
    """Memory and journal hold a bounded part of the log, the segments the rest."""
    async with sqlite.open(path, journal_bytes=50_000) as events:
        for n in range(1, 301):
            await events.append(session(f"s{n % 7}"), unnumbered(5, "x" * 200))
        held = [events.recent(f"s{n}", 0) for n in range(7)]
        assert held.count(None) == 7
        ((kept,),) = asked(path, "SELECT sum(length(body)) FROM journal")
        assert isinstance(kept, int)
        assert kept < 3 * 50_000
        for n in range(7):
            assert len(await whole(events, f"s{n}")) >= 5 * (300 // 7)


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The statements of each commit, in order."""
    found: list[set[str]] = []
    commit = rows.commit

    def noted(connection: apsw.Connection, statements: Sequence[rows.Statement]) -> rows.Committed:
        found.append({sql for sql, _ in statements})
        return commit(connection, statements)

    monkeypatch.setattr(rows, "commit", noted)
    return found


@pytest.mark.usefixtures("as_killed")
async def test_who_comes_again_at_once_does_not_wait_for_packing(
    path: Path, committed: list[set[str]]
) -> None:
    """It rides along with commits, and has some of its own when nothing comes for a while."""
    for calm_seconds in (60.0, 0.0):
        committed.clear()
        async with sqlite.open(path, journal_bytes=2000, calm_seconds=calm_seconds) as events:
            for _ in range(40):
                await events.append(session(), unnumbered(1, "x" * 300))
        assert any(rows.INSERT_SEGMENT in each for each in committed)
        rides = all(rows.INSERT_JOURNAL in each for each in committed)
        assert rides == (calm_seconds > 0)


async def test_small_commits_carry_a_large_segment_between_them(
    path: Path, committed: list[set[str]]
) -> None:
    """What rides along is no more than half as much again as what came, over a few commits."""
    async with sqlite.open(path, journal_bytes=300_000, calm_seconds=60.0) as events:
        await events.append(session(), unnumbered(5, "x" * 65_000))
        before = len(committed)
        for _ in range(120):
            await events.append(session(), unnumbered(1, "x" * 1000))
        carried = [rows.INSERT_SEGMENT in each for each in committed[before:]]
        assert 2 <= sum(carried) <= 4


async def test_small_events_without_a_pause_do_not_outrun_packing(path: Path) -> None:
    """A row costs more than its bytes, and what rides along is measured by what it costs."""
    async with sqlite.open(path, journal_bytes=20_000, calm_seconds=60.0) as events:
        for _ in range(1500):
            await events.append(session(), unnumbered(1))
        ((kept,),) = asked(path, "SELECT sum(length(body) + 300) FROM journal")
    assert isinstance(kept, int)
    assert kept < 3 * 20_000


async def test_a_removed_session_leaves_no_row(path: Path) -> None:
    """After a deletion the rows go in small steps, until none is left."""
    async with restless(path) as events:
        for n in range(1, 101):
            await events.append(session(), drafts(n, text="x" * 300), producer="r_1", record=run())
            if n == 50:
                await events.append(session("s2"), unnumbered(1))
        assert await events.delete("s1")
        count = (
            "SELECT (SELECT count(*) FROM doomed) + (SELECT count(*) FROM segments AS s WHERE"
            " session NOT IN (SELECT key FROM sessions)) + (SELECT count(*) FROM runs) +"
            " (SELECT count(*) FROM producers WHERE session = 1)"
        )
        while asked(path, count) != [(0,)]:
            await events.append(session("s2"), unnumbered(1))
        left = offsets(await whole(events, "s2"))
        assert left == list(range(1, len(left) + 1))


async def test_a_session_removed_while_it_is_packed_leaves_no_row(path: Path) -> None:
    """What a pass has still before it when the session is deleted is not packed any more."""
    async with sqlite.open(path, journal_bytes=2_000_000) as events:
        await events.append(session("s2"), unnumbered(25, "x" * 70_000))
        await events.append(session("s1"), unnumbered(10, "x" * 70_000))
        assert events.recent("s1", 0)
        await events.delete("s1")
        await until(lambda: asked(path, "SELECT count(*) FROM journal") == [(0,)])
        assert asked(path, "SELECT DISTINCT session FROM segments") == [(1,)]


async def test_a_run_that_comes_again_is_the_new_sessions(path: Path) -> None:
    """A run's record does not go with a deleted session whose rows are still being swept."""
    async with sqlite.open(path, journal_bytes=100_000) as events:
        await events.append(session(), unnumbered(60, "x" * 70_000), record=run())
        await until(lambda: events.recent("s1", 0) is None)
        deleting = asyncio.ensure_future(events.delete("s1"))
        await asyncio.sleep(0)
        await events.append(session(), unnumbered(1), record=run(pid=2))
        assert await deleting
        await until(lambda: asked(path, "SELECT count(*) FROM doomed") == [(0,)])
        assert await events.runs("s1") == [run(pid=2)]


async def test_the_write_ahead_log_stays_short(path: Path) -> None:
    """Writers that never pause and readers that never stop do not make the WAL grow for ever."""
    pages = 64
    async with sqlite.open(path, journal_bytes=200_000, wal_pages=pages) as events:
        await events.append(session(), unnumbered(1))
        writing = asyncio.ensure_future(_write(events, 12_000_000))
        reads = 0
        while not writing.done():
            reads += len(await whole(events, "s1", 50))
            await asyncio.sleep(0)
        await writing
        assert reads > 3
        longest = path.with_name("keepstream.db-wal").stat().st_size
    assert longest < 16 * pages * 8192


async def test_commits_find_the_write_ahead_log_long_enough(path: Path) -> None:
    """A commit writes over what is there: to make the file longer is a second write for each."""
    wal = path.with_name("keepstream.db-wal")
    async with sqlite.open(path) as events:
        before = wal.stat()
        assert before.st_blocks * 512 >= before.st_size >= checkpoint.WAL_PAGES * 8192
        for _ in range(200):
            await events.append(session(), unnumbered(1))
        after = wal.stat()
        assert (after.st_size, after.st_blocks) == (before.st_size, before.st_blocks)
        assert after.st_mtime_ns > before.st_mtime_ns


@pytest.mark.parametrize("length", [1, 32, 100_000, 9_000_000])
async def test_a_start_that_was_killed_at_the_write_ahead_log_costs_nothing(
    path: Path, length: int
) -> None:
    """However many of its zeros were written, there is nothing in it and nothing is damaged."""
    async with sqlite.open(path) as events:
        log = await events.append(session(), unnumbered(3))
    path.with_name("keepstream.db-wal").write_bytes(bytes(length))
    async with sqlite.open(path) as events:
        assert not events.health().damaged
        assert await whole(events, "s1") == log
        assert offsets(await events.append(session(), unnumbered(1))) == [4]


async def _write(events: EventLog, size: int) -> None:
    for _ in range(size // (10 * 4 * 3000)):
        await asyncio.gather(
            *(events.append(session(f"s{n}"), unnumbered(4, "x" * 3000)) for n in range(10))
        )


async def test_a_strangers_reader_stops_nobody(path: Path) -> None:
    """A shell that keeps a transaction open costs room for the WAL, not commits."""
    async with sqlite.open(path, wal_pages=8) as events:
        await events.append(session(), unnumbered(1))
        stranger = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        stranger.execute("BEGIN")
        seen = stranger.execute("SELECT count(*) FROM journal").fetchall()
        for _ in range(50):
            await events.append(session(), unnumbered(1, "x" * 5000))
        assert stranger.execute("SELECT count(*) FROM journal").fetchall() == seen
        stranger.close()
        assert len(await whole(events, "s1")) == 51


def test_a_copy_that_finds_the_log_busy_is_no_fault(path: Path) -> None:
    """Who copies the WAL beside others copies what it can, and nothing where it cannot."""
    path.parent.mkdir()
    with ExitStack() as stack:
        ours, reader, stranger = (
            stack.enter_context(closing(connect(path)))
            for connect in (schema.prepare, schema.connect, schema.connect)
        )
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM journal").fetchall()
        ours.execute("CREATE TABLE more (body)")
        thread = stack.enter_context(ThreadPoolExecutor(1))
        waits = thread.submit(stranger.wal_checkpoint, mode=apsw.SQLITE_CHECKPOINT_RESTART)
        with pytest.raises(apsw.BusyError):  # it waits for the reader, and nobody else may copy
            while not waits.done():
                time.sleep(0.01)
                ours.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        checkpoint.copy_beside(ours)
        reader.execute("ROLLBACK")
        waits.result()
        ours.execute("INSERT INTO more VALUES (1)")
        checkpoint.copy_beside(ours)
        size, copied = ours.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        assert size == copied > 0


async def test_readers_see_whole_prefixes_while_it_is_packed(path: Path) -> None:
    """A page read at any moment is a stretch of the log, and the head is never behind it."""
    log: list[Event] = []
    async with restless(path) as events:

        async def write() -> None:
            for n in range(1, 200):
                log.extend(await events.append(session(), drafts(n), producer="r_1"))

        writing = asyncio.ensure_future(write())
        seen = 0
        while not writing.done():
            known = len(log)
            page = await events.read("s1", seen, 3)
            assert page == log[seen : seen + len(page)] or len(page) + seen > known
            assert page or seen >= known
            seen += len(page)
            await asyncio.sleep(0)
            head = await events.head("s1")
            assert (head.last if head else 0) >= seen
        assert await whole(events, "s1") == log


async def test_nothing_is_left_open(path: Path) -> None:
    """After the end the process has the descriptors and threads that it had."""
    before = _open_things()
    for _ in range(3):
        async with restless(path) as events:
            await events.append(session(), unnumbered(50))
            await events.read("s1", 0)
    assert _open_things() == before
    assert sorted(each.name for each in path.parent.iterdir()) == [
        "keepstream.db",
        "keepstream.db.ballast",
        "keepstream.db.lock",
    ]


def _open_things() -> tuple[int, list[str]]:
    """How many descriptors this process has, and which threads of the event log."""
    threads = [each.name for each in threading.enumerate() if each.name.startswith("eventlog")]
    return len(list(Path("/proc/self/fd").iterdir())), threads


# -- for people


async def test_a_shell_can_read_the_events(path: Path) -> None:
    """The view shows each event once, from the journal and from the segments."""
    async with sqlite.open(path, journal_bytes=1000) as events:
        log = await events.append(session(), unnumbered(20))
        await until(lambda: events.recent("s1", 0) is None)
        log = [*log, *await events.append(session(), unnumbered(2))]
        await events.append(session("gone"), unnumbered(2))
        await events.delete("gone")
        shown = asked(path, 'SELECT session, "offset", type, line FROM events ORDER BY "offset"')
    assert shown == [("s1", event.offset, event.type, event.line.decode()) for event in log]


def _steps(plan: apsw.ext.QueryPlan | None) -> Iterator[str]:
    if plan is not None:
        yield plan.detail
        for each in plan.sub or ():
            yield from _steps(each)


QUESTIONS = [
    rows.SELECT_TAIL + "WHERE owner = '' AND key < 9 ORDER BY key DESC LIMIT 5",
    rows.SELECT_TAIL + "WHERE owner = '' AND state = 'closed' ORDER BY key DESC LIMIT 5",
    rows.SELECT_TAIL + "WHERE owner = '' AND id = 's'",
    rows.SELECT_RUN + "WHERE runs.active = 1 ORDER BY runs.key",
    rows.SELECT_RUN + "WHERE runs.idempotency_key = 'k' AND runs.created > '2'",
    rows.SELECT_EXPIRED,
    rows.SELECT_EVENTS,
    rows.SELECT_LAST,
    *rows.SWEEP.values(),
]


@pytest.mark.parametrize("sql", QUESTIONS)
def test_no_question_takes_longer_in_a_larger_store(path: Path, sql: str) -> None:
    """Every statement finds its rows by an index, or is at the table's end."""
    path.parent.mkdir()
    connection = schema.prepare(path)
    plan = apsw.ext.query_info(connection, sql, explain_query_plan=True).query_plan
    connection.close()
    steps = list(_steps(plan))
    assert not [step for step in steps if step.startswith("SCAN") and "USING" not in step]
    assert not [step for step in steps if "TEMP B-TREE" in step]


@pytest.mark.parametrize("sql", QUESTIONS)
def test_a_question_is_planned_once(path: Path, sql: str) -> None:
    """A statement that is asked again for other values is not planned anew."""
    path.parent.mkdir()
    connection = schema.prepare(path)
    values = apsw.ext.query_info(connection, sql).bindings_count
    looks = 0

    def authorize(*_: object) -> int:  # asked whenever a statement is planned
        nonlocal looks
        looks += 1
        return apsw.SQLITE_OK

    connection.authorizer = authorize
    counts = []
    for value in range(3):
        connection.execute(sql, values * (value,)).fetchall()
        counts.append(looks)
    connection.close()
    assert counts[0] > 0
    assert counts == 3 * counts[:1]

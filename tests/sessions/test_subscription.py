"""A reader, its session and its log: no gap, no double, whatever the socket does."""

import asyncio
import json
import random
import time

import pytest

from server.sessions import pulse, subscription
from server.sessions.bye import Bye
from server.sessions.pace import SLOW_SECONDS
from server.sessions.session import Session
from server.sessions.subscription import LIVE_BACKLOG, SLOW_ABORT_SECONDS
from tests.sessions.conftest import NAME, Stage, settle
from tests.sessions.test_pace import tcp_info
from tests.sessions.wire import Wire


async def test_attach_before_the_session_exists(stage: Stage) -> None:
    """Who comes before the first event gets every event, from 1, and then the end."""
    async with stage.reading() as it:
        assert it.wire.of("ready")[0]["state"] == "waiting"
        await stage.start()
        await stage.emit(3)
        await stage.finish()
        assert await it.ended == Bye("closed")
        assert it.wire.offsets == [1, 2, 3, 4, 5]
        assert it.wire.frames[-1]["type"] == "bye"


async def test_the_origin_of_it_all(stage: Stage) -> None:
    """Who drops before the run starts and comes back during it misses nothing."""
    async with stage.reading() as dropped:
        cursor = dropped.wire.of("ready")[0]["after"]
    await stage.start()
    await stage.emit(2)
    async with stage.reading(cursor) as it:
        await stage.emit(2)
        await stage.finish()
        await it.ended
        assert it.wire.offsets == [1, 2, 3, 4, 5, 6]
        assert not it.wire.of("reset")


async def test_attach_after_the_end(stage: Stage) -> None:
    """Who comes late gets the same stream, and then the end."""
    await stage.start()
    await stage.emit(5)
    await stage.finish()
    async with stage.reading() as it:
        assert await it.ended == Bye("closed")
        assert it.wire.offsets == await stage.history()


async def test_a_live_reader_that_does_not_drain_keeps_only_its_cursor(stage: Stage) -> None:
    """A stalled reader costs a bounded backlog, goes back to catch-up, and then has it all."""
    await stage.start()
    async with stage.reading() as it:
        it.wire.stall()
        for _ in range(50):
            await stage.emit(100)
        await settle()
        assert it.reader.phase != "live"
        assert it.wire.backlog() < 3 * LIVE_BACKLOG
        behind = it.reader.offset
        assert behind < 5001
        it.wire.flow()
        await stage.finish()
        await it.ended
        assert it.wire.offsets == await stage.history()


async def test_a_stalled_reader_slows_nobody(stage: Stage) -> None:
    """While one reader takes nothing, another gets every event as it is committed."""
    await stage.start()
    async with stage.reading() as stalled, stage.reading() as healthy:
        stalled.wire.stall()
        for _ in range(30):
            await stage.emit(100)
            await settle()
            assert healthy.wire.offsets[-1] == healthy.reader.session.last
        await stage.finish()
        await healthy.ended
        assert healthy.wire.offsets == await stage.history()
        assert not stalled.ended.done()


@pytest.mark.parametrize("piece", [0, 1, 37, 1 << 20])
async def test_what_is_taken_in_pieces_arrives_whole(stage: Stage, piece: int) -> None:
    """A kernel that takes a part of an event gets the rest, once and in order."""
    await stage.start()
    async with stage.reading() as it:
        it.wire.piece = piece
        for number in range(20):
            await stage.emit(2)
            if number % 3 == 0:
                it.wire.stall()
            await stage.emit(1)
            it.wire.flow()
        await stage.finish()
        await it.ended
        assert it.wire.offsets == await stage.history()


async def test_a_filter_drops_events_and_not_numbers(stage: Stage) -> None:
    """With ``types`` only those are sent; the cursor still says how far the reader has got."""
    await stage.start()
    async with stage.reading(types="word") as it:
        await stage.emit(2, "word")
        await stage.emit(2, "noise")
        await settle()
        it.reader.beat(time.monotonic() + 5)
        beat = it.wire.of("heartbeat")[-1]
        assert beat["cursor"].endswith("-5")
        assert beat["last"] == 5
        await stage.finish()
        assert await it.ended == Bye("closed")
        assert it.wire.offsets == [2, 3]


async def test_until_forever_follows_the_next_run(stage: Stage) -> None:
    """With ``until=forever`` the stream goes on over the end of a run, offsets too."""
    async with stage.reading(until="forever") as it:
        for run in ("r_1", "r_2"):
            await stage.start(run)
            await stage.finish(run)
        await settle()
        assert it.wire.offsets == [1, 2, 3, 4]
        assert not it.ended.done()


async def test_heartbeat_only_into_silence(stage: Stage) -> None:
    """A heartbeat comes when nothing was sent for the interval, and not before."""
    await stage.start()
    async with stage.reading() as it:
        now = time.monotonic()
        it.reader.beat(now + 0.5)
        assert not it.wire.of("heartbeat")
        it.reader.beat(now + 1.5)
        assert len(it.wire.of("heartbeat")) == 1
        it.wire.stall()
        await stage.emit()
        it.reader.beat(now + 9)
        it.wire.flow()
        assert len(it.wire.of("heartbeat")) == 1, "no heartbeat is piled on what was not taken"


@pytest.mark.parametrize("due", [None, Bye("rotate", after_ms=7)])
async def test_a_reader_that_takes_nothing_hears_it_and_is_cut(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, due: Bye | None
) -> None:
    """Who acknowledges but takes nothing for its time is told ``slow``, or what was due already."""
    monkeypatch.setattr(subscription, "SLOW_ABORT_SECONDS", 0)
    await stage.start()
    async with stage.reading() as it:
        it.wire.stall()
        await stage.emit(1000)
        it.wire.info = tcp_info(acked=5, notsent=9, probes=1)
        began = time.monotonic()
        if due:
            it.reader.end(due)
        for second in range(int(SLOW_SECONDS)):
            it.reader.beat(began + second)
        assert it.reader.reason == "gone", "nothing was said yet"
        it.reader.beat(began + SLOW_SECONDS + 6)
        bye = due or Bye("slow")
        said = json.loads(bytes(it.wire.held).splitlines()[-1])
        assert (said["reason"], said.get("after_ms")) == (bye.reason, bye.after_ms)
        with pytest.raises(ConnectionResetError):
            await it.ended
        assert it.wire.aborted
        assert it.reader.reason == bye.reason


async def test_a_dead_peer_is_cut_without_a_word(stage: Stage) -> None:
    """Who acknowledges nothing is cut; there is nobody to say anything to."""
    await stage.start()
    async with stage.reading() as it:
        began = time.monotonic()
        for second in range(4):  # heartbeats are a second apart
            it.wire.info = tcp_info(acked=5, unacked=1, last_ack=second)
            it.reader.beat(began + second)
        assert it.wire.aborted
        assert not it.wire.of("bye")
        assert it.reader.reason == "gone"


@pytest.mark.parametrize("reason", ["restart", "rotate", "deleted"])
async def test_bye_comes_last_with_the_cursor(stage: Stage, reason: str) -> None:
    """Whoever ends a stream, the last frame says why and how far the reader has got."""
    await stage.start()
    await stage.emit(3)
    async with stage.reading() as it:
        it.reader.end(Bye(reason, after_ms=7))  # type: ignore[arg-type]
        await it.ended
        bye = it.wire.frames[-1]
        assert (bye["type"], bye["reason"], bye["after_ms"]) == ("bye", reason, 7)
        assert bye["reconnect"] is (reason != "deleted")
        assert bye["cursor"].endswith("-4")


async def test_nothing_comes_behind_a_bye(stage: Stage) -> None:
    """What is committed while a reader that was told to end has not left is not sent to it."""
    await stage.start()
    async with stage.reading() as it:
        assert isinstance(it.reader.session, Session)
        it.reader.cut(Bye("slow"))
        pulse._look_after(it.reader.session, it.reader, time.monotonic(), 0)
        await stage.emit(3)
        assert await it.ended == Bye("slow")
        assert it.wire.frames[-1]["reason"] == "slow"


async def test_deleted_under_a_reader(stage: Stage) -> None:
    """A reader of a session that is deleted hears it, wherever it stands."""
    await stage.start()
    await stage.finish()
    async with stage.reading(until="forever") as it:
        await stage.hub.delete(NAME)
        assert await it.ended == Bye("deleted")


async def test_a_session_leaves_memory(stage: Stage) -> None:
    """Without readers and runs a session is not in memory; one that only waits stays its time."""
    async with stage.reading():
        assert len(stage.hub) == 1
    assert len(stage.hub) == 1, "it was asked for"
    await stage.start()
    assert len(stage.hub) == 1
    await stage.finish()
    await settle()
    assert len(stage.hub) == 0


async def test_a_session_that_only_waited_is_forgotten(stage: Stage) -> None:
    """After its time nothing is left of a session that never had an event."""
    async with stage.reading():
        stage.hub.forget_waiting(time.monotonic() + 1000)
        assert len(stage.hub) == 1, "somebody reads it"
    stage.hub.forget_waiting(time.monotonic() + 1)
    assert len(stage.hub) == 1
    stage.hub.forget_waiting(time.monotonic() + 1000)
    assert len(stage.hub) == 0


@pytest.mark.parametrize("seed", range(200))
async def test_any_schedule(stage: Stage, seed: int) -> None:
    """Over any history of appends, stalls, drops and returns, a reader has each event once."""
    chance = random.Random(seed)
    await stage.start()
    seen: list[int] = []
    cursor = ""
    for _ in range(chance.randint(1, 6)):
        wire = Wire()
        async with stage.reading(cursor, wire=wire) as it:
            for _ in range(chance.randint(0, 12)):
                match chance.randrange(4):
                    case 0:
                        wire.stall()
                    case 1:
                        wire.flow()
                    case 2:
                        await stage.emit(chance.choice([1, 2, 50, 800]))
                    case 3:
                        await settle(chance.randint(0, 5))
            wire.flow()
            await settle(chance.randint(0, 30))
        seen += wire.offsets
        if wire.of("ready"):
            epoch = wire.of("ready")[0]["epoch"]
            cursor = f"{epoch}-{seen[-1] if seen else 0}"
    await stage.finish()
    async with stage.reading(cursor) as it:
        await it.ended
        seen += it.wire.offsets
    assert seen == await stage.history()


def test_a_slow_reader_has_some_seconds_to_hear_it() -> None:
    """Between ``bye`` ``slow`` and the abort the contract gives five seconds."""
    assert SLOW_ABORT_SECONDS == 5


async def test_what_live_readers_share_is_nobody_elses(stage: Stage) -> None:
    """Each counts what it was sent itself; who is left behind stands where it was left."""
    await stage.start()
    async with stage.reading() as early:
        await stage.emit(2)
        async with stage.reading("now") as late:
            await stage.emit(3)
            assert (early.reader.offset, early.reader.sent) == (6, 6)
            assert (late.reader.offset, late.reader.sent) == (6, 3)
            late.wire.stall()
            late.wire.write(bytes(LIVE_BACKLOG + 1))
            was = late.reader.last_sent
            await stage.emit(2)
            assert (early.reader.offset, early.reader.sent) == (8, 8)
            assert (late.reader.offset, late.reader.sent) == (6, 3)
            assert late.reader.last_sent == was < early.reader.last_sent
            late.wire.held.clear()
            late.wire.flow()
            await settle()
            assert late.wire.offsets == [4, 5, 6, 7, 8]
            assert (late.reader.offset, late.reader.sent) == (8, 5)
            await stage.emit(1)
            assert (early.reader.sent, late.reader.sent) == (9, 6)


async def test_who_goes_live_stands_at_the_end(stage: Stage) -> None:
    """A reader is written to live only from the log's end on: anything else would tear a hole."""
    await stage.start()
    async with stage.reading() as it:
        assert isinstance(it.reader.session, Session)
        it.reader.session.audience.leave(it.reader)
        it.reader._offset = 0
        with pytest.raises(AssertionError):
            it.reader.session.audience.go_live(it.reader)


async def test_nobody_waits_for_a_live_reader(stage: Stage) -> None:
    """A task works for a reader while it catches up or ends; for one that is live there is none."""
    await stage.start()
    await stage.emit(3)
    before = asyncio.all_tasks()
    async with stage.reading(until="forever") as it:
        assert (it.reader.phase, asyncio.all_tasks()) == ("live", before)
        it.wire.stall()
        await stage.emit(1000)
        assert (it.reader.phase, len(asyncio.all_tasks())) == ("catch-up", len(before) + 1)
        it.wire.flow()
        await settle()
        assert (it.reader.phase, asyncio.all_tasks()) == ("live", before)
        assert it.wire.offsets == await stage.history()

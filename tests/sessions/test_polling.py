"""Long polls: a reader that comes and asks, of the same session and by the same rules."""

import asyncio

import msgspec

from server.sessions import polling
from server.sessions.opening import Wish
from tests.sessions.conftest import NAME, Stage, settle


async def ask(stage: Stage, after: str = "", wait: float = 30, limit: int = 1000) -> polling.Page:
    """One long poll."""
    async with stage.hub.hold(NAME, create=True) as session:
        opening = session.open(Wish.parse(after))
        return await polling.poll(session, opening, limit=limit, wait=wait)


async def test_waits_for_the_first_event(stage: Stage) -> None:
    """A poll that comes before the session has an event is answered by the first one."""
    asked = asyncio.create_task(ask(stage))
    await settle()
    assert not asked.done()
    await stage.start()
    page = await asked
    assert [event.offset for event in page.events] == [1]
    assert page.next == 1


async def test_does_not_wait_at_the_end_of_a_closed_session(stage: Stage) -> None:
    """Where nothing can come any more a poll is answered at once, empty."""
    await stage.start()
    await stage.finish()
    async with stage.hub.hold(NAME, create=True) as session:
        end = f"{session.epoch}-2"
    assert await ask(stage, end) == polling.Page([], 2)


async def test_a_poll_in_vain_says_how_far_it_looked(stage: Stage) -> None:
    """When the time is over the answer is empty and its ``next`` is where to go on."""
    await stage.start()
    async with stage.hub.hold(NAME, create=True) as session:
        end = f"{session.epoch}-1"
    assert await ask(stage, end, wait=0) == polling.Page([], 1)


async def test_pages_join_to_the_history(stage: Stage) -> None:
    """Page after page, ``next`` to ``after``, makes the history: no gap, no double."""
    await stage.start()
    await stage.emit(500)
    await stage.finish()
    seen: list[int] = []
    async with stage.hub.hold(NAME, create=True) as session:
        epoch = session.epoch
    while len(seen) < 502:
        page = await ask(stage, f"{epoch}-{seen[-1] if seen else 0}", limit=7)
        assert page.events
        seen += [event.offset for event in page.events]
    assert seen == await stage.history()


async def test_the_answer_holds_the_logs_bytes(stage: Stage) -> None:
    """An event in an answer is the bytes of the log, and the answer is JSON around them."""
    await stage.start()
    await stage.emit(3)
    async with stage.hub.hold(NAME, create=True) as session:
        opening = session.open(Wish.parse("wrong111-3"))
        page = await polling.page(session, opening, 0, 1000)
        body = polling.body(page, session, opening)
        assert msgspec.json.decode(body)["reset"] == "epoch"
        for event in await stage.hub.events.read(NAME, 0):
            assert event.line in body

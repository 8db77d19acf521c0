"""The rules of waiting without a turn of the loop: :mod:`server.eventlog.gate`."""

import asyncio
import contextvars
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from server.eventlog.gate import Bell, Gate, done

WHO: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")


async def turns(count: int = 3) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_who_waits_goes_on_in_the_call_that_opens() -> None:
    """Not a turn later: when ``open`` returns it is where it waits next."""
    gate, said = Gate(), list[str]()

    async def passes() -> None:
        for word in ("first", "second"):
            await gate
            said.append(word)

    task = asyncio.create_task(passes())
    await turns()
    assert gate.shut
    opened: Future[list[str]] = Future()

    def opens() -> None:
        gate.open()
        opened.set_result(list(said))

    asyncio.get_running_loop().call_soon(opens)
    await turns()
    assert opened.result() == ["first"]
    assert gate.shut, "it waits once more"
    asyncio.get_running_loop().call_soon(gate.open)
    await task
    assert said == ["first", "second"]


async def test_a_gate_without_anybody_opens_for_nobody() -> None:
    """Who comes later waits for the next time."""
    gate = Gate()
    gate.open()
    task = asyncio.create_task(asyncio.wait_for(_through(gate), 60))
    await turns()
    assert not task.done()
    asyncio.get_running_loop().call_soon(gate.open)
    await task


async def _through(gate: Gate) -> str:
    await gate
    return WHO.get()


async def test_it_goes_on_in_its_own_context() -> None:
    """What a task has set is there after the wait, whoever opened."""
    gate = Gate()
    WHO.set("the one who waits")
    task = asyncio.create_task(_through(gate))
    await turns()
    WHO.set("the one who opens")
    asyncio.get_running_loop().call_soon(gate.open)
    assert await task == "the one who waits"


async def test_who_waits_can_be_cancelled() -> None:
    """It ends as at a future; the gate is as good as new for the next."""
    gate = Gate()
    task = asyncio.create_task(_through(gate))
    await turns()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    again = asyncio.create_task(_through(gate))
    await turns()
    asyncio.get_running_loop().call_soon(gate.open)
    assert await again == "nobody"


async def test_what_a_thread_did_is_heard() -> None:
    """Its result or its error, whether it was done before or after somebody waited."""
    with ThreadPoolExecutor(1) as thread:
        for _ in range(100):
            assert await done(thread.submit(int, "7")) == 7
        with pytest.raises(ValueError, match="invalid literal"):
            await done(thread.submit(int, "seven"))
    before: Future[int] = Future()
    before.set_result(8)
    assert await done(before) == 8


async def test_a_ring_that_is_under_way_is_not_another_one() -> None:
    """Who was woken in between and has cleared the bell waits until it rings again."""
    bell, woken = Bell(), list[int]()

    async def wakes() -> None:
        for number in range(2):
            await bell.wait()
            bell.clear()
            woken.append(number)

    task = asyncio.create_task(wakes())
    await turns()
    asyncio.get_running_loop().call_soon(bell.ring)
    bell.ring_soon()
    await turns()
    assert woken == [0]
    asyncio.get_running_loop().call_soon(bell.ring)
    await task


@pytest.mark.parametrize("how", ["ring", "ring_soon"])
async def test_a_bell_that_rang_before_is_not_waited_for(how: str) -> None:
    """No ring is lost between two waits; only ``clear`` forgets it."""
    bell = Bell()
    getattr(bell, how)()
    async with asyncio.timeout(60):
        await bell.wait()
    bell.clear()
    task = asyncio.create_task(bell.wait())
    await turns()
    assert not task.done()
    asyncio.get_running_loop().call_soon(bell.ring)
    await task


async def test_a_task_may_ring() -> None:
    """``ring_soon`` wakes in a later turn, and not within the task that calls it."""
    bell, said = Bell(), list[str]()

    async def wakes() -> None:
        await bell.wait()
        said.append("woken")

    task = asyncio.create_task(wakes())
    await turns()
    bell.ring_soon()
    said.append("rung")
    await task
    assert said == ["rung", "woken"]

"""Listening to a client ends with the stream, and does nothing to what comes after it."""

import asyncio
from typing import Any

import pytest
from aiohttp import WSMessage, WSMsgType

from server.sessions.bye import Bye
from server.web.messages import ONE, listen

OVER = WSMessage(WSMsgType.CLOSE, 1000, "")


class Socket:
    """Says that the client is gone when it is told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> WSMessage:
        """Wait for it."""
        await self.gone.wait()
        return OVER


class Host:
    """Answers nothing: nothing is asked."""

    language = ONE

    async def obey(self, said: Any) -> None:
        """Not called."""
        raise AssertionError(said)

    async def answer(self, frame: dict[str, Any]) -> None:
        """Not called."""
        raise AssertionError(frame)


async def _listen(socket: Socket, end: asyncio.Future[Bye]) -> str:
    await listen(socket, Host(), end)  # type: ignore[arg-type]
    for _ in range(5):
        await asyncio.sleep(0)
    return "went on"


@pytest.mark.parametrize("first", ["end", "client", "end alone", "client alone"])
async def test_whichever_ends_it_what_follows_goes_on(first: str) -> None:
    """The end of the stream interrupts the wait for the client, and never what comes after it."""
    socket, end = Socket(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(_listen(socket, end))
    await asyncio.sleep(0)
    steps = [lambda: end.set_result(Bye("closed")), socket.gone.set]
    order = steps if first.startswith("end") else steps[::-1]
    for step in order[:1] if first.endswith("alone") else order:
        step()
    assert await task == "went on"
    assert task.cancelling() == 0


@pytest.mark.parametrize("ended", [True, False], ids=["with the end", "alone"])
async def test_a_cancel_of_somebody_elses_is_not_swallowed(*, ended: bool) -> None:
    """Who cancels the listener cancels it, also in the moment in which the stream ends."""
    end = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(_listen(Socket(), end))
    await asyncio.sleep(0)
    if ended:
        end.set_result(Bye("closed"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

"""Many sessions over one WebSocket: ``docs/protocol.md``, "Many sessions on one WebSocket"."""

import asyncio

from aiohttp import web

from server.errors import AtCapacity, BadRequest
from server.events import check_id
from server.sessions.admission import Admission
from server.sessions.bye import Bye
from server.sessions.carrier import Carrier
from server.sessions.hub import Hub
from server.sessions.opening import Wish
from server.sessions.visit import visit
from server.web import answers
from server.web.frames import AddressedEncoding, in_arrays
from server.web.keys import ADMISSION, HUB
from server.web.messages import (
    MANY,
    Answer,
    Cancel,
    Input,
    Subscribe,
    Unsubscribe,
    command,
    listen,
)
from server.web.websocket import Socket

#: Sessions that one connection follows at most.
MAX_SUBSCRIPTIONS = 1000


async def many(request: web.Request) -> web.StreamResponse:
    """``GET /api/ws?frames``."""
    return await Carrying(request).open()


class Carrying(Socket):
    """Follows what its client asks for."""

    async def serve(self) -> Bye:
        """Do what the client says until the connection ends."""
        arrays = in_arrays(answers.query(self._request).get("frames", "events"))
        app = self._request.app
        hub = app[HUB]
        sink = self.sink(AddressedEncoding(None, arrays))
        carrier = Carrier(sink, hub.settings.heartbeat_seconds)
        followed = Followed(hub, app[ADMISSION], carrier, arrays=arrays)
        with hub.carrying(carrier):
            carrier.open()
            try:
                await listen(self, followed, carrier.ended)
                if not carrier.ended.done():
                    return Bye("gone")
                await followed.over()
            finally:
                await _stop(*followed.tasks.values())
        return carrier.ended.result()


async def _stop(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


class Followed:
    """The sessions that a connection follows, by what its client says."""

    language = MANY

    def __init__(self, hub: Hub, admission: Admission, carrier: Carrier, *, arrays: bool) -> None:
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._hub = hub
        self._admission = admission
        self._carrier = carrier
        self._arrays = arrays

    async def obey(self, said: Subscribe | Unsubscribe | Cancel | Input) -> None:
        """Do what was asked; raises what it is refused with."""
        if isinstance(said, Subscribe):
            self._subscribe(said)
        elif isinstance(said, Unsubscribe):
            await self._unsubscribe(check_id(said.session, "session"))
        else:
            await command(said, self.tasks, self._admission)

    async def answer(self, frame: Answer) -> None:
        """Send it as the connection's own."""
        self._carrier.say(frame)
        await self._carrier.drain()

    async def over(self) -> None:
        """Wait until every subscription has ended by itself."""
        if self.tasks:
            await asyncio.wait(self.tasks.values())

    def _subscribe(self, said: Subscribe) -> None:
        name = check_id(said.session, "session")
        wish = Wish.check(said.after or "", said.types, said.until)
        if name in self.tasks:
            raise BadRequest(f"this connection follows session {name} already: unsubscribe first")
        if len(self.tasks) >= MAX_SUBSCRIPTIONS:
            raise AtCapacity(
                f"this connection follows {MAX_SUBSCRIPTIONS} sessions, and no connection follows"
                " more: unsubscribe from one of them, or open another connection"
            )
        # It begins in a later turn of the loop: the answer goes before its first frame.
        self.tasks[name] = asyncio.create_task(self._follow(name, wish))

    async def _follow(self, name: str, wish: Wish) -> None:
        sink = self._carrier.lend(AddressedEncoding(name, self._arrays))
        try:
            await visit(self._hub, name, wish, sink, self._carrier)
        except ConnectionError:
            pass  # the reader left: its place in the log is its own to keep
        finally:
            # In the turn of its bye: its client may subscribe again as soon as it has that.
            self.tasks.pop(name, None)

    async def _unsubscribe(self, name: str) -> None:
        # It may have ended by itself while the client asked for it: no fault of the client's.
        if (task := self.tasks.pop(name, None)) is not None:
            await _stop(task)

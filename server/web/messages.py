"""What a client says over a WebSocket, and how it is answered: each message by one frame."""

import asyncio
from collections.abc import Callable, Container
from contextvars import Context
from typing import Annotated, Any, Protocol

import msgspec
from aiohttp import WSMessage, WSMsgType, web

from server.errors import KeepstreamError, NotFound
from server.events import CURSOR, ID, TYPE, check_id
from server.sessions.admission import Admission
from server.sessions.bye import Bye
from server.sessions.opening import UNTIL
from server.web.answers import UNREADABLE

Answer = dict[str, Any]
#: Where a callback runs that needs no context: it would be a copy for each connection.
NOTHING = Context()
GONE = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED)


def _described(**schema: object) -> msgspec.Meta:
    # For the description only: what does not fit is refused in words, where it is looked at.
    return msgspec.Meta(extra_json_schema=schema)


Session = Annotated[str, _described(pattern=f"^{ID.pattern}$")]


class Subscribe(msgspec.Struct, tag_field="type", tag="subscribe"):
    """Follow a session on this connection too; the fields are those of a connection's query."""

    id: str | int
    session: Session
    after: Annotated[str, _described(pattern=f"^(now|{CURSOR.pattern})?$")] | None = None
    types: list[Annotated[str, _described(pattern=f"^{TYPE.pattern}$")]] = []
    until: Annotated[str, _described(enum=[*UNTIL])] = "run"


class Unsubscribe(msgspec.Struct, tag_field="type", tag="unsubscribe"):
    """Follow a session no more."""

    id: str | int
    session: Session


class Cancel(msgspec.Struct, tag_field="type", tag="cancel"):
    """Stop a run of a session that this connection follows."""

    id: str | int
    run: str


class Input(msgspec.Struct, tag_field="type", tag="input"):
    """Answer the question of a run of a session that this connection follows."""

    id: str | int
    run: str
    request: str
    value: Any


class Ping(msgspec.Struct, tag_field="type", tag="ping"):
    """Ask whether anybody is there."""

    id: str | int


class Language:
    """The messages that are understood on a connection."""

    def __init__(self, *messages: type[msgspec.Struct]) -> None:
        union: Any = messages[0]
        for message in messages[1:]:
            union |= message
        self.messages = messages
        self.decode: Callable[[str], Any] = msgspec.json.Decoder(union).decode
        *most, last = [str(message.__struct_config__.tag) for message in messages]
        self.words = f"{', '.join(most)} and {last}"


ONE = Language(Cancel, Input, Ping)
MANY = Language(Subscribe, Unsubscribe, Cancel, Input, Ping)


class Host(Protocol):
    """Whom a client talks to."""

    language: Language

    async def obey(self, said: Any, /) -> None:
        """Do what is asked, which is no ping; raises what it is refused with."""

    async def answer(self, frame: Answer, /) -> None:
        """Send that, and wait for room: who asks without reading waits, and fills no memory."""


async def listen(socket: web.WebSocketResponse, host: Host, end: asyncio.Future[Bye]) -> None:
    """Have ``host`` answer what the client says until it is gone, or until ``end`` is done."""
    # As asyncio.timeout interrupts, whose parts would be a thirtieth of an idle reader's memory.
    task = asyncio.current_task()
    assert task is not None
    end.add_done_callback(task.cancel, context=NOTHING)
    try:
        try:
            while (message := await socket.receive()).type not in GONE:
                await host.answer(await _answer(message, host))
        finally:
            if end.done():  # in this very turn, perhaps: the cancel on its way is for nobody else
                await asyncio.sleep(0)
    except asyncio.CancelledError as error:
        if error.args != (end,) or task.uncancel():
            raise  # somebody else wants it, too
    finally:
        end.remove_done_callback(task.cancel)


async def _answer(message: WSMessage, host: Host) -> Answer:
    if message.type is not WSMsgType.TEXT:
        return {"type": "refused", "to": None, "message": "only text frames are understood"}
    try:
        said = host.language.decode(message.data)
    except UNREADABLE as error:
        text = f"not understood: {error}; a client may send {host.language.words}"
        return {"type": "refused", "to": _id_of(message.data), "message": text}
    if isinstance(said, Ping):
        return {"type": "pong", "to": said.id}
    try:
        await host.obey(said)
    except KeepstreamError as error:
        return {"type": "refused", "to": said.id, "message": error.message}
    return {"type": "ok", "to": said.id}


def _id_of(text: str) -> str | int | None:
    try:
        found = msgspec.json.decode(text)
    except UNREADABLE:
        return None
    said = found.get("id") if isinstance(found, dict) else None
    return said if isinstance(said, str | int) and not isinstance(said, bool) else None


async def command(said: Cancel | Input, sessions: Container[str], admission: Admission) -> None:
    """Do what is asked of a run; raises NotFound unless it is of one of ``sessions``."""
    run = await admission.record(check_id(said.run, "run"))
    if run.session not in sessions:
        raise NotFound(f"run {run.id} is not of a session that this connection follows")
    if isinstance(said, Cancel):
        await admission.cancel(run.id)
    else:
        await admission.answer(run.id, said.request, said.value)

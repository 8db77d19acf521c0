"""A reader's visit to a session, from its wish to its ``bye``, where all is said in frames.

The event stream is not one of them: it says some of this as an HTTP status.
"""

from collections.abc import Awaitable
from typing import Protocol

import structlog

from server.errors import AtCapacity, NotFound, ShuttingDown, StoreUnavailable
from server.sessions.bye import Bye
from server.sessions.hub import Hub
from server.sessions.opening import Wish
from server.sessions.session import Session
from server.sessions.sink import Sink
from server.sessions.subscription import Subscription

log = structlog.get_logger()

#: Milliseconds after which to come back to what failed for no fault of the reader's.
FAILED_MS = 1000


class Attendant(Protocol):
    """Who is there for a reader beside its subscription."""

    def attend(self, session: Session, reader: Subscription, /) -> Awaitable[None]:
        """Wait until the subscription has ended, or its connection is gone."""


async def visit(hub: Hub, name: str, wish: Wish, sink: Sink, attendant: Attendant) -> Bye:
    """Follow the session of that name until the stream ends; what its reader was told last.

    Raises ConnectionError when the connection is gone.
    """
    cursor, reader = str(wish.after or ""), None
    try:
        async with hub.hold(name, create=not wish.continues) as session:
            every = hub.settings.heartbeat_seconds
            with Subscription(session, sink, session.open(wish), every) as reader:
                await attendant.attend(session, reader)
                return reader.ended.result() if reader.ended.done() else Bye("gone")
    except NotFound:
        bye = Bye("deleted")
    except (AtCapacity, ShuttingDown, StoreUnavailable) as error:
        bye = Bye("overloaded", 1000 * (error.retry_after or 1))
    except ConnectionError:
        raise
    except Exception:
        # What went before is on the wire: what can still be said is to come back.
        log.exception("A subscription failed", session=name)
        bye = Bye("overloaded", FAILED_MS)
    sink.write(sink.encoding.control(bye.frame(reader.cursor if reader else cursor)))
    return bye

"""A reader's visit to a session, from its wish to its ``bye``, where all is said in frames.

The event stream is not one of them: it says some of this as an HTTP status.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

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

#: What is done beside following, for as long as it takes.
Beside = Callable[[Session, Subscription], AbstractAsyncContextManager[None]]


async def visit(hub: Hub, name: str, wish: Wish, sink: Sink, beside: Beside) -> Bye:
    """Follow the session of that name until the stream ends; what its reader was told last.

    Raises ConnectionError when the connection is gone.
    """
    cursor, reader = str(wish.after or ""), None
    try:
        async with hub.hold(name, create=not wish.continues) as session:
            opening = session.open(wish)
            reader = Subscription(session, sink, opening, hub.settings.heartbeat_seconds)
            async with beside(session, reader):
                with session.reading(reader):
                    return await reader.follow(session.audience.go_live)
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

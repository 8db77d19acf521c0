"""Sessions over HTTP: create, list, look at, read, delete."""

import msgspec
from aiohttp import web

from server.events import check_id, new_id
from server.records import SessionRecord
from server.sessions import polling
from server.sessions.admission import described
from server.sessions.diagnosis import diagnose
from server.sessions.opening import Wish
from server.sessions.session import describe
from server.web import answers
from server.web.keys import ADMISSION, HUB

#: Seconds that a long poll may wait.
MAX_WAIT = 30.0
STATES = ("waiting", "running", "closed")


class CreateSession(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /api/sessions``."""

    id: str | None = None
    labels: dict[str, str] = {}


async def create(request: web.Request) -> web.Response:
    """``POST /api/sessions``."""
    asked = await answers.body(request, CreateSession)
    name = new_id("s") if asked.id is None else check_id(asked.id, "id")
    record = SessionRecord(id=name, labels=asked.labels)
    session, new = await answers.finish(request.app[HUB].create(record))
    return answers.json(session.described(), 201 if new else 200)


async def listing(request: web.Request) -> web.Response:
    """``GET /api/sessions?limit&before&state``."""
    hub = request.app[HUB]
    limit = answers.number(request, "limit", 50, range(1, 1001))
    before = answers.number(request, "before", 0, range(10**18)) or None
    state = answers.choice(request, "state", STATES)
    heads, more = await hub.listed(limit, before, state)
    found = [describe(*hub.current(head)) for head in heads]
    return answers.json({"sessions": found} | ({"next": str(more)} if more else {}))


async def show(request: web.Request) -> web.Response:
    """``GET /api/sessions/{session}``."""
    name = answers.name(request, "session")
    head, readers = await request.app[HUB].look(name)
    return answers.json(describe(head, readers))


async def delete(request: web.Request) -> web.Response:
    """``DELETE /api/sessions/{session}``."""
    await answers.finish(request.app[HUB].delete(answers.name(request, "session")))
    return web.Response(status=204)


async def runs(request: web.Request) -> web.Response:
    """``GET /api/sessions/{session}/runs``."""
    name, hub = answers.name(request, "session"), request.app[HUB]
    await hub.look(name)
    admission = request.app[ADMISSION]
    found = [described(admission.current(record)) for record in await hub.events.runs(name)]
    return answers.json({"runs": found})


async def events(request: web.Request) -> web.Response:
    """``GET /api/sessions/{session}/events?after&limit&types&wait``."""
    name, query = answers.name(request, "session"), request.query
    wish = Wish.parse(query.get("after", ""), query.get("types", ""))
    limit = answers.number(request, "limit", 1000, range(1, 1001))
    wait = answers.seconds(request, "wait", MAX_WAIT)
    create_it = wait is not None and not wish.continues
    async with request.app[HUB].hold(name, create=create_it) as session:
        opening = session.open(wish)
        if wait is None:
            page = await polling.page(session, opening, opening.start, limit)
        else:
            page = await polling.poll(session, opening, limit=limit, wait=wait)
        body = polling.body(page, session, opening)
    return web.Response(body=body, content_type="application/json")


async def diagnosis(request: web.Request) -> web.Response:
    """``GET /api/sessions/{session}/diagnosis``."""
    hub, admission = request.app[HUB], request.app[ADMISSION]
    snapshot = await hub.snapshot(answers.name(request, "session"), admission.record)
    return answers.json(diagnose(snapshot))

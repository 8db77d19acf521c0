"""Runs over HTTP: start, look at, cancel, answer; and which workflows there are."""

from typing import Any

import msgspec
from aiohttp import web

from server.errors import BadRequest
from server.sessions.admission import RunRequest, described
from server.web import answers
from server.web.keys import ADMISSION, CATALOGUE

MAX_KEY = 255


class StartRun(msgspec.Struct, forbid_unknown_fields=True):
    """The body that starts a run."""

    workflow: str
    input: dict[str, Any] = {}
    labels: dict[str, str] = {}


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The body that answers a run's question."""

    request: str
    value: Any


async def start_here(request: web.Request) -> web.Response:
    """``POST /api/sessions/{session}/runs``."""
    return await _start(request, answers.name(request, "session"))


async def start_anew(request: web.Request) -> web.Response:
    """``POST /api/runs``: in a new session."""
    return await _start(request, None)


async def _start(request: web.Request, session: str | None) -> web.Response:
    asked = await answers.body(request, StartRun)
    run = RunRequest(
        session=session,
        workflow=asked.workflow,
        input=asked.input,
        labels=asked.labels,
        key=_key(request),
    )
    record = await answers.finish(request.app[ADMISSION].start(run))
    return answers.json(described(record), 202)


def _key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_KEY and key.isprintable()):
        raise BadRequest(f"Idempotency-Key must have 1 to {MAX_KEY} printable characters")
    return key


async def show(request: web.Request) -> web.Response:
    """``GET /api/runs/{run}``."""
    record = await request.app[ADMISSION].record(answers.name(request, "run"))
    return answers.json(described(record))


async def cancel(request: web.Request) -> web.Response:
    """``POST /api/runs/{run}/cancel``."""
    run = answers.name(request, "run")
    record = await answers.finish(request.app[ADMISSION].cancel(run))
    return answers.json(described(record), 202)


async def answer(request: web.Request) -> web.Response:
    """``POST /api/runs/{run}/input``."""
    run = answers.name(request, "run")
    said = await answers.body(request, Answer)
    await answers.finish(request.app[ADMISSION].answer(run, said.request, said.value))
    record = await request.app[ADMISSION].record(run)
    return answers.json(described(record), 202)


async def workflows(request: web.Request) -> web.Response:
    """``GET /api/workflows``: waits until all of them were imported once."""
    catalogue = request.app[CATALOGUE]
    await catalogue.ready()
    found = []
    for entry in catalogue.listing():
        shown = {"name": entry.name, "description": entry.description, "schema": entry.schema}
        found.append(shown | ({"error": entry.error} if entry.error else {}))
    return answers.json({"workflows": found})

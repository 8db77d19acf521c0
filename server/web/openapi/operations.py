"""Every call: what it takes, what it answers, what it refuses."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from server.errors import (
    AtCapacity,
    BadCursor,
    IdempotencyMismatch,
    InvalidInput,
    KeepstreamError,
    NotFound,
    NotPending,
    RunActive,
    ShuttingDown,
    StoreDamaged,
    StoreUnavailable,
    UnknownWorkflow,
)
from server.events import CURSOR, TYPE
from server.web.openapi import shapes
from server.web.runs import MAX_KEY, Answer, StartRun
from server.web.sessions import MAX_WAIT, STATES, CreateSession

JSON = "application/json"
Parameter = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """An answer that is no refusal."""

    text: str
    shape: type | None = None
    media: Sequence[str] = (JSON,)


@dataclass(frozen=True)
class Operation:
    """One call. What follows from its address and its body is not said here again."""

    id: str
    summary: str
    replies: dict[int, Reply]
    refuses: Sequence[type[KeepstreamError]] = ()
    parameters: Sequence[Parameter] = ()
    body: type | None = None
    body_required: bool = True
    example: dict[str, Any] | None = None  # of the body
    more: dict[str, Any] = field(default_factory=dict)  # fields of its own, ``description`` …


def query(name: str, schema: dict[str, Any], text: str, **more: Any) -> Parameter:
    """A parameter in the query; empty is absent."""
    return {"name": name, "in": "query", "description": text, "schema": schema, **more}


def header(name: str, schema: dict[str, Any], text: str) -> Parameter:
    """A parameter in a header."""
    return {"name": name, "in": "header", "description": text, "schema": schema}


def whole(low: int, high: int, **more: Any) -> dict[str, Any]:
    """The schema of a whole number from ``low`` to ``high``."""
    return {"type": "integer", "minimum": low, "maximum": high, **more}


AFTER = query(
    "after",
    {"type": "string", "pattern": f"^(now|{CURSOR.pattern})?$"},
    "A cursor: events follow it. `now`: only what is still to come. Absent: from the first event.",
)
TYPES = query(
    "types",
    {"type": "array", "items": {"type": "string", "pattern": f"^{TYPE.pattern}$"}},
    "Only events of these types, separated by commas; offsets stay what they are.",
    style="form",
    explode=False,
)
UNTIL = query(
    "until",
    {"type": "string", "enum": ["run", "forever"], "default": "run"},
    "`run` ends the stream when the session is closed; `forever` follows later runs too.",
)
IN_FRAMES = query(
    "frames",
    {"type": "string", "enum": ["events", "arrays"], "default": "events"},
    "`events`: each in a frame of its own; `arrays`: those sent at once in one, as an array.",
)
LIMIT = query("limit", whole(1, 1000, default=1000), "How many events to return at most.")
WAIT = query(
    "wait",
    {"type": "number", "minimum": 0, "maximum": MAX_WAIT},
    "Seconds to wait for an event where there is none yet: a long poll.",
)
PAGE_SIZE = query("limit", whole(1, 1000, default=50), "How many sessions to return at most.")
BEFORE = query("before", whole(0, 10**18 - 1), "`next` of the page before.")
STATE = query("state", {"type": "string", "enum": [*STATES]}, "Only sessions of this state.")
LAST_EVENT_ID = header(
    "Last-Event-ID",
    {"type": "string", "pattern": AFTER["schema"]["pattern"]},
    "What a browser sends when it comes back; it counts instead of `after`.",
)
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    {"type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$", "maxLength": MAX_KEY},
    "The same key with the same request, within 24 hours, answers with the run it started.",
)

STORE = (StoreUnavailable, StoreDamaged)
CREATES = (AtCapacity, ShuttingDown, *STORE)
STARTS = (UnknownWorkflow, InvalidInput, IdempotencyMismatch, *CREATES)

CLOSES = {
    "1012": "The server restarts: come back with the cursor.",
    "1013": "Too much is going on: come back later.",
    "4400": "Not understood: a bad id, cursor or parameter, or a frame over 64 KiB.",
    "4403": "Not allowed any more.",
    "4408": "Too slow: come back with the cursor.",
}
FRAMES = {
    "receive": {"$ref": "#/components/schemas/ServerFrame"},
    "send": {"$ref": "#/components/schemas/ClientFrame"},
    "close": {
        "1000": "The stream is complete.",
        **CLOSES,
        "4410": "The session does not exist any more.",
    },
}
MANY_FRAMES = {
    "receive": {"$ref": "#/components/schemas/ManyServerFrame"},
    "send": {"$ref": "#/components/schemas/ManyClientFrame"},
    "close": CLOSES,
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/api/sessions"): Operation(
        "createSession",
        "Create a session, or look at the one of that id.",
        {
            201: Reply("It is new, and durable.", shapes.Session),
            200: Reply("It exists already.", shapes.Session),
        },
        refuses=CREATES,
        body=CreateSession,
        body_required=False,
        example={"id": "demo", "labels": {"team": "blue"}},
    ),
    ("GET", "/api/sessions"): Operation(
        "listSessions",
        "The sessions, newest first.",
        {200: Reply("A page of them.", shapes.Sessions)},
        refuses=STORE,
        parameters=[PAGE_SIZE, BEFORE, STATE],
    ),
    ("GET", "/api/sessions/{session}"): Operation(
        "getSession",
        "Where a session stands.",
        {200: Reply("The session.", shapes.Session)},
        refuses=(NotFound, *STORE),
    ),
    ("DELETE", "/api/sessions/{session}"): Operation(
        "deleteSession",
        "Delete a session that has no active run. Its readers get `bye` `deleted`.",
        {204: Reply("It is gone.")},
        refuses=(NotFound, RunActive, *STORE),
    ),
    ("GET", "/api/sessions/{session}/runs"): Operation(
        "listRuns",
        "The runs of a session.",
        {200: Reply("All of them.", shapes.Runs)},
        refuses=(NotFound, *STORE),
    ),
    ("POST", "/api/sessions/{session}/runs"): Operation(
        "startRun",
        "Start a run; creates the session if it is missing.",
        {202: Reply("Accepted: `run_start` is committed.", shapes.Run)},
        refuses=(*STARTS, RunActive),
        parameters=[IDEMPOTENCY_KEY],
        body=StartRun,
        example={"workflow": "echo", "input": {"text": "Hello!"}},
    ),
    ("GET", "/api/sessions/{session}/events"): Operation(
        "readEvents",
        "Read a session's log, or wait for what comes.",
        {200: Reply("Events that follow the cursor.", shapes.Page)},
        refuses=(BadCursor, NotFound, *CREATES),
        parameters=[AFTER, LIMIT, TYPES, WAIT],
    ),
    ("GET", "/api/sessions/{session}/sse"): Operation(
        "streamEvents",
        "Follow a session as server-sent events.",
        {
            200: Reply(
                "The schema is one record's; a heartbeat is a comment and an `id:`.",
                shapes.Record,
                ("text/event-stream",),
            ),
            204: Reply("Nothing is to come, or the cursor's session is gone: do not come back."),
        },
        refuses=(BadCursor, *STORE),
        parameters=[AFTER, TYPES, UNTIL, LAST_EVENT_ID],
    ),
    ("GET", "/api/sessions/{session}/ws"): Operation(
        "followSession",
        "Follow a session over WebSocket.",
        {101: Reply("The upgrade. What is refused then is refused with a close code.")},
        parameters=[AFTER, TYPES, UNTIL, IN_FRAMES],
        more={"x-websocket": FRAMES},
    ),
    ("GET", "/api/ws"): Operation(
        "followSessions",
        "Follow many sessions over one WebSocket.",
        {101: Reply("The upgrade. Sessions are subscribed to by what the client sends.")},
        parameters=[IN_FRAMES],
        more={"x-websocket": MANY_FRAMES},
    ),
    ("GET", "/api/sessions/{session}/diagnosis"): Operation(
        "diagnoseSession",
        "Why a subscriber may be seeing nothing; also for a session that does not exist.",
        {200: Reply("Six questions and a verdict.", shapes.Diagnosis)},
        refuses=STORE,
    ),
    ("POST", "/api/runs"): Operation(
        "startRunAnew",
        "Start a run in a new session.",
        {202: Reply("Accepted: `run_start` is committed.", shapes.Run)},
        refuses=STARTS,
        parameters=[IDEMPOTENCY_KEY],
        body=StartRun,
        example={"workflow": "echo", "input": {"text": "Hello!"}},
    ),
    ("GET", "/api/runs/{run}"): Operation(
        "getRun",
        "How a run stands.",
        {200: Reply("The run.", shapes.Run)},
        refuses=(NotFound, *STORE),
    ),
    ("POST", "/api/runs/{run}/cancel"): Operation(
        "cancelRun",
        "Ask a run to stop; after the grace its processes are killed.",
        {202: Reply("It was asked, or had ended already.", shapes.Run)},
        refuses=(NotFound, *STORE),
    ),
    ("POST", "/api/runs/{run}/input"): Operation(
        "answerRun",
        "Answer what a run asked with `input_request`.",
        {202: Reply("The answer is on its way.", shapes.Run)},
        refuses=(NotFound, NotPending, InvalidInput, *STORE),
        body=Answer,
        example={"request": "q1", "value": True},
    ),
    ("GET", "/api/workflows"): Operation(
        "listWorkflows",
        "What can be started. Waits until all workflows were imported once.",
        {200: Reply("All of them, and what could not be imported.", shapes.Workflows)},
    ),
    ("GET", "/health/live"): Operation(
        "live", "Whether the server lives.", {200: Reply("It does.", shapes.Live)}
    ),
    ("GET", "/health/ready"): Operation(
        "ready",
        "Whether the server may be sent work.",
        {200: Reply("It may.", shapes.Ready), 503: Reply("Not now.", shapes.Ready)},
    ),
    ("GET", "/metrics"): Operation(
        "metrics",
        "The server's figures, for Prometheus.",
        {200: Reply("One figure a line.", str, ("text/plain", "application/openmetrics-text"))},
    ),
    ("GET", "/"): Operation("page", "The live page.", {200: Reply("HTML.", str, ("text/html",))}),
    ("GET", "/openapi.json"): Operation(
        "describe", "This description.", {200: Reply("OpenAPI 3.1.", dict)}
    ),
}

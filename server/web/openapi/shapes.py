"""What bodies and frames look like, where no other module has a type for it.

``msgspec`` writes their JSON Schemas: a field with ``UNSET`` may be absent, one with ``| None`` is
there and may be null. Nothing is encoded or decoded by these types.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from server.events import CURSOR, ID, TYPE
from server.records import RunState, SessionState

Id = Annotated[str, Meta(pattern=f"^{ID.pattern}$")]
EventType = Annotated[str, Meta(pattern=f"^{TYPE.pattern}$")]
Cursor = Annotated[str, Meta(pattern=f"^{CURSOR.pattern}$", examples=["x7k2m9qa-41"])]
Epoch = Annotated[str, Meta(pattern="^[a-z0-9]{4,16}$")]
#: RFC 3339 in UTC with microseconds.
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Count = Annotated[int, Meta(ge=0)]
Offset = Annotated[int, Meta(ge=1)]
Reset = Literal["epoch", "ahead", "damaged"]


class Fault(Struct):
    """What is wrong and what to do; ``path`` names the parameter or the value at fault."""

    code: str
    message: str
    path: str | UnsetType = UNSET


class Error(Struct):
    """Every refusal."""

    error: Fault


class Session(Struct):
    """Where a session's log stands: ``first`` is 1 and ``last`` 0 while it is empty."""

    id: Id
    epoch: Epoch
    state: SessionState
    created: Time
    labels: dict[str, str]
    first: Offset
    last: Count
    subscribers: Count
    run: Annotated[Id | UnsetType, Meta(description="The newest run.")] = UNSET


class Sessions(Struct):
    """A page of the sessions, newest first; ``next`` goes into ``before``."""

    sessions: list[Session]
    next: Annotated[str, Meta(pattern="^[0-9]{1,18}$")] | UnsetType = UNSET


class RunError(Struct):
    """How a run failed."""

    code: Literal[
        "workflow_error",
        "workflow_crashed",
        "workflow_timeout",
        "workflow_unresponsive",
        "protocol_error",
        "limit_exceeded",
        "run_lost",
    ]
    message: str
    detail: Any | UnsetType = UNSET


class Run(Struct):
    """One execution of a workflow."""

    id: Id
    session: Id
    workflow: str
    state: RunState
    created: Time
    started: Time | None
    ended: Time | None
    labels: dict[str, str]
    result: Any | UnsetType = UNSET
    error: RunError | UnsetType = UNSET


class Runs(Struct):
    """The runs of a session."""

    runs: list[Run]


class Event(Struct):
    """One immutable line of a session's log. Ignore fields and types that you don't know."""

    offset: Offset
    time: Time
    type: EventType
    run: Id
    data: dict[str, Any]
    agent: str | UnsetType = UNSET
    span: str | UnsetType = UNSET


class Page(Struct):
    """Events; ``next`` is how far the log was looked through and goes into ``after``.

    With ``reset`` the cursor could not be continued, and the events begin at ``first``.
    """

    epoch: Epoch
    first: Offset
    last: Count
    state: SessionState
    events: list[Event]
    next: Cursor
    reset: Reset | UnsetType = UNSET


class Question(Struct):
    """One question that an operator would ask, and what speaks for the answer."""

    question: str
    ok: bool
    evidence: dict[str, Any]


class Diagnosis(Struct):
    """Why a subscriber may be seeing nothing."""

    questions: Annotated[list[Question], Meta(min_length=6, max_length=6)]
    verdict: str


class Workflow(Struct):
    """A workflow; with ``error`` it cannot be started."""

    name: str
    description: str
    schema: dict[str, Any] | None
    error: str | UnsetType = UNSET


class Workflows(Struct):
    """What can be started; ``schema`` is the JSON Schema of the input."""

    workflows: list[Workflow]


class Live(Struct):
    """The server answers."""

    live: Literal[True]


class Damaged(Struct):
    """Events that are not on the disk as they were written; what is not known is left out."""

    message: str
    session: str | UnsetType = UNSET
    first: int | UnsetType = UNSET
    last: int | UnsetType = UNSET


class Ready(Struct):
    """Whether the server may be sent work, and why not."""

    ready: bool
    reasons: list[str]
    store: Literal["healthy", "full", "failing"]
    damaged: list[Damaged] | UnsetType = UNSET


# -- control frames: what a connection says about itself, over WebSocket and as server-sent events


class ReadyFrame(Struct, tag_field="type", tag="ready"):
    """The first frame: where the log stands, and where this connection starts."""

    protocol: Literal[1]
    session: Id
    epoch: Epoch
    state: SessionState
    first: Offset
    last: Count
    after: Cursor
    heartbeat: Annotated[float, Meta(gt=0, description="Seconds.")]
    time: Time


class ResetFrame(Struct, tag_field="type", tag="reset"):
    """The cursor could not be continued: the log follows from ``first``."""

    reason: Reset
    epoch: Epoch
    first: Offset
    last: Count


class HeartbeatFrame(Struct, tag_field="type", tag="heartbeat"):
    """Nothing was sent for the heartbeat interval. A comment in an event stream."""

    cursor: Cursor
    last: Count
    time: Time


class ByeFrame(Struct, tag_field="type", tag="bye"):
    """The last frame. ``cursor`` is empty where none was asked for and nothing was sent."""

    reason: Literal["closed", "restart", "rotate", "overloaded", "revoked", "slow", "deleted"]
    reconnect: bool
    cursor: str
    after_ms: Count | UnsetType = UNSET


class OkFrame(Struct, tag_field="type", tag="ok"):
    """What was asked for is done. WebSocket only."""

    to: str | int


class PongFrame(Struct, tag_field="type", tag="pong"):
    """The answer to a ping. WebSocket only."""

    to: str | int


class RefusedFrame(Struct, tag_field="type", tag="refused"):
    """What was asked for is refused, and the connection stays. WebSocket only."""

    to: str | int | None
    message: str


class ConnectionReady(Struct, tag_field="type", tag="ready"):
    """The first frame of a connection of many sessions."""

    protocol: Literal[1]
    heartbeat: Annotated[float, Meta(gt=0, description="Seconds.")]
    time: Time


class ConnectionHeartbeat(Struct, tag_field="type", tag="heartbeat"):
    """Nothing at all was sent for the heartbeat interval."""

    time: Time


class ConnectionBye(Struct, tag_field="type", tag="bye"):
    """The last frame of a connection of many sessions, which ends with all that it carries."""

    reason: Literal["restart", "rotate", "overloaded", "revoked", "slow"]
    reconnect: bool
    after_ms: Count | UnsetType = UNSET


class Record(Struct):
    """One record of an event stream; ``event`` is ``message`` where the stream has no such line."""

    data: Annotated[
        str,
        Meta(
            extra_json_schema={
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": "#/components/schemas/ServerFrame"},
            }
        ),
    ]
    id: Annotated[str, Meta(description="A cursor, or empty before the first.")]
    event: Literal["message", "ready", "reset", "bye"] = "message"


#: What a session's stream says of itself, what answers a client, and what a connection of many
#: sessions says of itself.
STREAM = [ReadyFrame, ResetFrame, HeartbeatFrame, ByeFrame]
ANSWERS = [OkFrame, PongFrame, RefusedFrame]
CONNECTION = [ConnectionReady, ConnectionHeartbeat, ConnectionBye]
FRAMES = [*STREAM, *ANSWERS]

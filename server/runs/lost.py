"""The end of a run whose process went away where no server saw it. Pure."""

import msgspec

from server.events import Draft, now, server_draft
from server.records import RunRecord

MESSAGE = (
    "the run's server ended while it ran, and its process with it: start it again;"
    " the events up to here are whole"
)


def lost(record: RunRecord) -> tuple[Draft, RunRecord]:
    """The terminal event ``error`` ``run_lost``, and the record that goes with it."""
    error = {"code": "run_lost", "message": MESSAGE}
    ended = msgspec.structs.replace(record, state="error", ended=now(), error=error)
    return server_draft("error", record.id, error), ended

"""Every error the server answers with, and whose fault it was.

A :class:`KeepstreamError` reaches the caller as ``{"error": {"code", "message", "path"?}}`` with
its HTTP status; its message says what to do. Anything else that is raised is a bug of ours, a 500.
"""


class KeepstreamError(Exception):
    """The root: a code for programs, a message for people, the HTTP status that carries them."""

    code = "internal"
    status = 500

    def __init__(self, message: str, *, path: str | None = None, retry_after: int | None = None):
        super().__init__(message)
        self.message = message
        self.path = path
        self.retry_after = retry_after


# The caller's fault.


class BadRequest(KeepstreamError):
    """The request itself is malformed: an id, a cursor, a parameter, a body."""

    code, status = "bad_request", 400


class BadCursor(BadRequest):
    """A cursor that no server ever gave out."""

    code = "bad_cursor"


class Forbidden(KeepstreamError):
    """An origin or a host that is not served here."""

    code, status = "forbidden", 403


class NotFound(KeepstreamError):
    """A session or a run that nobody asked for yet, or that was deleted."""

    code, status = "not_found", 404


class UnknownWorkflow(NotFound):
    """No workflow has that name, or its module did not import."""

    code = "unknown_workflow"


class RunActive(KeepstreamError):
    """The session has a run that has not ended."""

    code, status = "run_active", 409


class NotPending(KeepstreamError):
    """An answer to a question that nobody asks (any more)."""

    code, status = "not_pending", 409


class InvalidInput(KeepstreamError):
    """A value that its JSON Schema refuses; ``path`` says where."""

    code, status = "invalid_input", 422


class IdempotencyMismatch(KeepstreamError):
    """An ``Idempotency-Key`` that came before, with another request."""

    code, status = "idempotency_mismatch", 422


# Nobody's fault: not now.


class AtCapacity(KeepstreamError):
    """A limit of the operator's is reached; ``retry_after`` says when to come back, in seconds."""

    code, status = "at_capacity", 429


# The operator's to mend.


class StoreUnavailable(KeepstreamError):
    """The event log cannot commit or read now; nothing that was acknowledged is lost."""

    code, status = "store_unavailable", 503


class StoreDamaged(StoreUnavailable):
    """What the disk gave back is not what was written; the message names session and offsets.

    ``first`` and ``last`` are 0 where it is not known which events are concerned, ``session`` is
    empty where it is not known whose.
    """

    code = "store_damaged"

    def __init__(self, message: str, *, session: str = "", first: int = 0, last: int = 0):
        super().__init__(message)
        self.session = session
        self.first = first
        self.last = last


class StoreRefused(KeepstreamError):
    """The event log cannot be opened: locked by another server, of a newer format, or damaged."""

    code, status = "store_refused", 503


class ShuttingDown(KeepstreamError):
    """The server has been told to stop and takes no new work."""

    code, status = "shutting_down", 503


class SettingsError(KeepstreamError):
    """The environment asks for something that cannot be served."""

    code = "settings"


# The workflow's fault.


class ProtocolError(KeepstreamError):
    """A child broke the pipe's rules; its run ends with ``error`` ``protocol_error``."""

    code = "protocol_error"

"""Whether a request becomes a run: every check that comes before its first event."""

import asyncio
import hashlib
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from server.errors import IdempotencyMismatch, NotFound, RunActive, ShuttingDown
from server.events import new_id, now
from server.records import RunRecord
from server.runs import Catalogue, Runs
from server.sessions.hub import Hub

#: How long an ``Idempotency-Key`` is remembered.
KEY_LIFETIME = timedelta(hours=24)


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks for; without a session, for a new one."""

    session: str | None
    workflow: str
    input: dict[str, Any]
    labels: dict[str, str]
    key: str | None = None

    def fingerprint(self) -> str:
        """SHA-256, hex, of all that must be the same for the same ``Idempotency-Key``."""
        asked = [self.session, self.workflow, self.input, self.labels]
        return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


class Admission:
    """The one door to a run."""

    def __init__(self, hub: Hub, runs: Runs, catalogue: Catalogue):
        self._hub = hub
        self._runs = runs
        self._catalogue = catalogue
        self._keys: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self, request: RunRequest) -> RunRecord:
        """Accept a run, or return the one that the same request started before.

        Raises IdempotencyMismatch, UnknownWorkflow, InvalidInput, AtCapacity, RunActive,
        StoreUnavailable, ShuttingDown.
        """
        async with self._turn(request.key):
            earlier = await self._earlier(request)
            return earlier or await self._start(request)

    def _turn(self, key: str | None) -> AbstractAsyncContextManager[Any]:
        # The same key twice at once: the second waits, and finds the first one's run.
        return nullcontext() if key is None else self._keys.setdefault(key, asyncio.Lock())

    async def _earlier(self, request: RunRequest) -> RunRecord | None:
        if request.key is None:
            return None
        since = (datetime.now(UTC) - KEY_LIFETIME).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        record = await self._hub.events.run_by_key(request.key, since)
        if record is not None and record.request_hash != request.fingerprint():
            raise IdempotencyMismatch(
                f"this Idempotency-Key came with another request, which started {record.id}:"
                " use a new key for a new request"
            )
        return record

    async def _start(self, request: RunRequest) -> RunRecord:
        if self._hub.closing:
            raise ShuttingDown("the server is stopping: start the run in a moment")
        await self._catalogue.ready()
        entry = self._catalogue.find(request.workflow)
        self._catalogue.check(entry, request.input)
        self._runs.check_capacity()
        name = request.session or new_id("s")
        record = RunRecord(
            id=new_id("r"),
            session=name,
            workflow=entry.name,
            input=request.input,
            labels=request.labels,
            state="queued",
            created=now(),
            timeout=entry.timeout or self._hub.settings.run_timeout_seconds,
            idempotency_key=request.key,
            request_hash=request.fingerprint() if request.key else "",
        )
        async with self._hub.hold(name, create=True) as session:
            if session.busy:
                raise RunActive(f"session {name} has a run that has not ended: wait, or cancel it")
            session.starting = True
            try:
                return await self._runs.accept(record)
            except Exception:
                session.runs.discard(record.id)  # nothing of it was kept
                raise
            finally:
                session.starting = False

    # -- what is said to a run that was started

    def current(self, record: RunRecord) -> RunRecord:
        """A stored record as it stands in memory."""
        return self._runs.get(record.id) or record

    async def record(self, run: str) -> RunRecord:
        """A run as it stands; raises NotFound."""
        record = self._runs.get(run) or await self._hub.events.run(run)
        if record is None:
            raise NotFound(f"run {run} does not exist")
        return record

    async def cancel(self, run: str, reason: str = "requested") -> RunRecord:
        """Ask a run to stop; one that has ended stays as it ended. Raises NotFound."""
        await self.record(run)
        await self._runs.cancel(run, reason)
        return await self.record(run)

    async def answer(self, run: str, request: str, value: Any) -> None:
        """Answer a run's question. Raises NotFound, NotPending, InvalidInput."""
        await self.record(run)
        await self._runs.answer(run, request, value)


def described(record: RunRecord) -> dict[str, Any]:
    """The run object of the contract."""
    found: dict[str, Any] = {
        "id": record.id,
        "session": record.session,
        "workflow": record.workflow,
        "state": record.state,
        "created": record.created,
        "started": record.started,
        "ended": record.ended,
        "labels": record.labels,
    }
    if record.state == "complete":
        found["result"] = record.result
    if record.error is not None:
        found["error"] = record.error
    return found

"""Answers to what one run asks: checked, committed, then sent."""

from collections.abc import Callable
from typing import Any

from server.errors import InvalidInput, NotPending
from server.events import server_draft
from server.runs import changes, pipe, schema
from server.runs.commits import Commits
from server.runs.lines import LINE_LIMIT


class Answers:
    """``send`` writes a line to the run's process, if it can be reached.

    What is committed while it cannot is repeated when the process comes again.
    """

    def __init__(self, commits: Commits, send: Callable[[bytes], None]) -> None:
        self._commits = commits
        self._send = send
        self._taking: set[str] = set()

    async def take(self, request: str, value: Any, *, open_: bool) -> None:
        """Commit an answer and send it; ``open_`` says whether the run can be answered at all.

        Raises NotPending, InvalidInput, StoreUnavailable.
        """
        record = self._commits.record
        if not open_ or request not in record.asking or request in self._taking:
            raise NotPending(f"run {record.id} is not waiting for an answer to {request!r}")
        line = _line(record.asking[request], request, value)
        received = server_draft("input_received", record.id, {"request": request, "value": value})
        self._taking.add(request)
        try:
            await self._commits.wait_for(
                [received],
                lambda record: changes.answered(record, request, value),
                lambda: self._send(line),
            )
        finally:
            self._taking.discard(request)


def _line(asked: Any, request: str, value: Any) -> bytes:
    if asked is not None:
        schema.check(asked, value, "value")
    line = pipe.answer(request, value)
    if len(line) > LINE_LIMIT:
        raise InvalidInput("the answer is longer than 1 MiB", path="value")
    return line

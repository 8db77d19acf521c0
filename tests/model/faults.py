"""Faults that the model must find: each is a bug that somebody could make, planted in real code."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from server.eventlog import commits, group, recovery, rows, sqlite
from server.runs import adoption, body, child, children, intake, pipe
from server.runs.connection import Connection
from server.runs.life import Action
from server.sessions import audience, opening, session, subscription
from tests.model.disk import Thread
from workflows.runtime import inbox, outbox

Fault = Callable[[], AbstractContextManager[Any]]
FAULTS: dict[str, Fault] = {}


def _planted(function: Callable[[], Iterator[None]]) -> Fault:
    fault = contextmanager(function)
    FAULTS[function.__name__] = fault
    return fault


@_planted
def acknowledged_before_it_is_durable() -> Iterator[None]:
    """What was decoded is acknowledged, and committed later."""
    decode = intake.Intake._decode

    def early(self: Any, data: bytes) -> Any:
        batch = decode(self, data)
        self._committed = self._decoder.last
        self.acknowledge()
        return batch

    with patch.object(intake.Intake, "_decode", early):
        yield


@_planted
def answered_before_it_is_durable() -> Iterator[None]:
    """The store says that it has what it has only begun to write."""
    make = commits.Commits._make_durable

    async def early(self: Any, group_: Any, *rest: Any) -> None:
        group_.answer()
        await make(self, group_, *rest)

    with patch.object(commits.Commits, "_make_durable", early):
        yield


@_planted
def shown_before_it_is_durable() -> Iterator[None]:
    """Readers see what is only being written."""
    make = commits.Commits._make_durable

    async def early(self: Any, group_: Any, *rest: Any) -> None:
        apply = group_.apply
        apply(self.tails)
        self._watchers.wake(group_.stages)
        with patch.object(type(group_), "apply", lambda *_: None):
            await make(self, group_, *rest)

    with patch.object(commits.Commits, "_make_durable", early):
        yield


@_planted
def written_behind_the_disks_back() -> Iterator[None]:
    """The disk says that it is done, and does it when it comes to it."""
    tell = Thread.tell

    def lies(self: Any) -> None:
        job = self.jobs[0]
        if job.answer and not job.done:
            job.done, job.result = True, rows.Committed(0.0, 0)
        tell(self)

    do = Thread.do
    later = patch.object(Thread, "do", lambda self: self.jobs[0].answer or do(self))
    with later, patch.object(Thread, "tell", lies):
        yield


@_planted
def live_one_turn_late() -> Iterator[None]:
    """A reader that has caught up is written to from the next turn of the loop on."""

    def late(self: Any, reader: Any) -> None:
        asyncio.get_running_loop().call_soon(self._crowd(reader).join, reader)

    with patch.object(audience.Audience, "go_live", late):
        yield


@_planted
def catching_up_and_live_at_once() -> Iterator[None]:
    """A reader that lags goes back to catch-up and is written to all the same."""

    def stay(self: Any, readers: Any) -> None:
        for reader in readers:
            reader.leave_live()
            self._crowd(reader)._readers[reader] = reader.sink.owed, reader.sink.send

    with patch.object(audience.Audience, "_send_back", stay):
        yield


@_planted
def read_ahead_of_what_was_told() -> Iterator[None]:
    """A reader catches up with what the live readers were not told of yet."""

    async def read(self: Any, after: int) -> Any:
        return await self._events.read(self.id, after)

    with patch.object(session.Session, "read", read):
        yield


@_planted
def cursor_one_ahead() -> Iterator[None]:
    """A reader that comes back with a cursor misses the event behind it."""
    resolve = opening.resolve

    def ahead(wish: Any, head: Any) -> Any:
        opened = resolve(wish, head)
        if opened.start and opened.start < head.last:
            object.__setattr__(opened, "start", opened.start + 1)
        return opened

    with patch.object(session, "resolve", ahead):
        yield


@_planted
def numbers_not_compared() -> Iterator[None]:
    """The store takes every line that it is given, however often."""
    number = group.Stage.take

    def take(self: Any, append: Any) -> Any:
        self.numbers[append.producer] = -1
        return number(self, append)

    with patch.object(group.Stage, "take", take):
        yield


@_planted
def offsets_of_a_failed_commit_are_kept() -> Iterator[None]:
    """A commit that failed has left its events in memory."""
    fail = commits.Commits._fail

    async def commit(self: Any, appends: Any) -> None:
        built, new = await self._number(appends)
        try:
            await self._make_durable(built, new)
        except Exception as error:  # noqa: BLE001
            built.apply(self.tails)
            fail(self, appends, error)

    with patch.object(commits.Commits, "_commit", commit):
        yield


@_planted
def dropped_at_a_reconnect() -> Iterator[None]:
    """The outbox forgets what it has sent when its connection breaks."""
    connect = outbox.Outbox.connect

    def forgetful(self: Any, *arguments: Any) -> None:
        self._sent.clear()
        connect(self, *arguments)

    with patch.object(outbox.Outbox, "connect", forgetful):
        yield


@_planted
def never_waits_for_room() -> Iterator[None]:
    """The outbox takes as much as it is given."""
    with patch.object(outbox.Outbox, "_wait_for_room", lambda self: None):
        yield


@_planted
def welcome_one_ahead() -> Iterator[None]:
    """A process that comes back is told that one line more is kept than is."""
    greeting = adoption.greeting

    def ahead(record: Any, ack: int, *rest: Any, **named: Any) -> Any:
        said = greeting(record, ack, *rest, **named)
        return said._replace(ack=ack + 1)

    with patch.object(child, "greeting", ahead):
        yield


@_planted
def answers_not_repeated() -> Iterator[None]:
    """A process that comes back is not told what was answered meanwhile."""
    greeting = adoption.greeting

    def silent(*arguments: Any, **named: Any) -> Any:
        return greeting(*arguments, **named)._replace(answers={})

    with patch.object(child, "greeting", silent):
        yield


@_planted
def cancel_not_repeated() -> Iterator[None]:
    """A process that comes back is not told that it is to stop."""
    greeting = adoption.greeting

    def silent(*arguments: Any, **named: Any) -> Any:
        return greeting(*arguments, **named)._replace(cancel=None)

    with patch.object(child, "greeting", silent), patch.object(child.Child, "_remind", _NOTHING):
        yield


@_planted
def started_again() -> Iterator[None]:
    """A new server starts what was let run before once more."""
    queue = lambda *_: adoption.Course.QUEUE  # noqa: E731
    with patch.object(children, "course", queue):
        yield


@_planted
def given_up_for_lost() -> Iterator[None]:
    """A new server takes every process for gone."""
    with patch.object(body, "is_same", lambda *_: False):
        yield


@_planted
def end_sent_before_it_is_committed() -> Iterator[None]:
    """An outcome is acknowledged when it comes."""
    conclude = child.Child._conclude

    def early(self: Any) -> None:
        if self._seen.outcome is not None:
            self._body.send(pipe.ack(self._seen.outcome.n))
        conclude(self)

    with patch.dict(child._EFFECTS, {Action.CONCLUDE: early}):
        yield


@_planted
def not_drained() -> Iterator[None]:
    """What a dead process has left in its socket is not read."""
    with patch.object(Connection, "drain", lambda self: b""):
        yield


@_planted
def answered_twice() -> Iterator[None]:
    """A question can be answered until the run has gone on."""

    def answer(self: Any, request: str, value: object) -> None:
        deliver = self._questions.get(request)
        if deliver is not None:
            deliver(value)

    with patch.object(inbox.Inbox, "answer", answer):
        yield


@_planted
def same_epoch_after_a_restore() -> Iterator[None]:
    """A database that was put back keeps its epochs."""
    recover = recovery.recover
    with patch.object(sqlite, "recover", lambda *given, **_: recover(*given, new_epoch=False)):
        yield


@_planted
def complete_without_looking() -> Iterator[None]:
    """A stream ends when the session is closed, wherever its reader is."""
    complete = property(lambda self: self.until == "run" and self.session.state == "closed")
    with patch.object(subscription.Subscription, "complete", complete):
        yield


@_planted
def nobody_is_woken() -> Iterator[None]:
    """A reader that has gone back to catch-up sleeps on."""
    with patch.object(subscription.Subscription, "leave_live", _NOTHING):
        yield


def _NOTHING(*_: object) -> None:
    """In the place of what is left out."""

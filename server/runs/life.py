"""The life of a run, as a table. Pure.

The rules:

* A run is ``queued`` until it has a place, ``starting`` until its process has proved who it is,
  ``admitting`` until process and start are committed, ``running`` then, ``stopping`` once it was
  told to end, ``dying`` when its process went before it had said how it ended, ``ending`` while the
  terminal event is being committed, and ``ended``.
* It is ``awaited`` while its process lives out of reach: an earlier server started it, or its
  stream broke. It comes back by another hello, and is welcomed with all that it may have missed.
* :attr:`Action.CONCLUDE` writes the terminal event. It stands on every way into ``ending`` and
  nowhere else, and no way leads back from there: exactly one terminal event, whatever happens.
* User code is let run (:attr:`Action.START`) on one way only, from ``admitting`` to ``running``,
  which no run takes twice. A run that is cancelled before takes it never, nor does one that was
  found: what its process hears of its start is a repetition of what is committed.
* The process is judged dead by :attr:`Signal.DEATH` alone, never by the end of its stream. Its
  place is free then, in whatever state the run is.
* What is sent in one state may arrive in the next. So late signals are in the table, with nothing
  to do; a pair that is not in it cannot happen, and :func:`step` says so.

One timer serves every state: what it waits for, and what :attr:`Signal.OVERDUE` means, is the
action that wound it.
"""

from enum import Enum, auto
from typing import NamedTuple


class State(Enum):
    """Where a run stands."""

    QUEUED = auto()
    STARTING = auto()
    ADMITTING = auto()
    RUNNING = auto()
    AWAITED = auto()
    STOPPING = auto()
    DYING = auto()
    ENDING = auto()
    ENDED = auto()


class Signal(Enum):
    """What happens to a run."""

    PLACED = auto()  # a place is free for it
    FOUND = auto()  # an earlier server gave its start to a process, which lives or is gone
    HELLO = auto()  # its process has connected and proved who it is
    ADMITTED = auto()  # its process and its start are committed
    CANCEL = auto()  # somebody wants it to end, and that is committed
    TIMEOUT = auto()  # it has run as long as it may
    OUTCOME = auto()  # it said how it ended
    BREACH = auto()  # it broke the pipe's rules
    HANGUP = auto()  # its stream is closed
    OVERDUE = auto()  # what was waited for did not come
    DEATH = auto()  # its process is gone, or never was
    COLLECTED = auto()  # all that can be learnt about the death is known
    COMMITTED = auto()  # its terminal event is durable


class Action(Enum):
    """What to do about it, in order."""

    LAUNCH = auto()  # have a process started; wait for its hello
    ADOPT = auto()  # watch the process that is there; wait for its hello
    UNWIND = auto()  # what was waited for has come
    ADMIT = auto()  # commit the process and the start
    START = auto()  # say welcome and start
    WELCOME = auto()  # say welcome and repeat what is committed
    HURRY = auto()  # wait for the grace and no longer
    ASK = auto()  # pass the request to stop on; wait for the grace
    EXPECT = auto()  # wait a little for a death that must come
    KILL = auto()  # SIGKILL to the whole group
    FREE = auto()  # give the place to the next
    COLLECT = auto()  # drain the pipe, learn the exit code and the last words
    CONCLUDE = auto()  # commit what came, and the terminal event
    LEAVE = auto()  # acknowledge the outcome; wait for the grace


class Step(NamedTuple):
    """Where a signal leads, and what is to be done on the way."""

    state: State
    actions: tuple[Action, ...] = ()


class ImpossibleError(Exception):
    """A signal that cannot come in that state: a bug of ours."""


def step(state: State, signal: Signal) -> Step:
    """Look the pair up; raises :class:`ImpossibleError`."""
    try:
        return TABLE[state][signal]
    except KeyError:
        raise ImpossibleError(f"{signal.name} in {state.name}") from None


def _stays(state: State, *signals: Signal) -> dict[Signal, Step]:
    return dict.fromkeys(signals, Step(state))


_S, _A = Signal, Action
# Killed once more when it is dead: for the others of its group.
_BURY = (_A.KILL, _A.FREE, _A.COLLECT)

TABLE: dict[State, dict[Signal, Step]] = {
    State.QUEUED: {
        _S.PLACED: Step(State.STARTING, (_A.LAUNCH,)),
        _S.FOUND: Step(State.AWAITED, (_A.ADOPT,)),
        _S.CANCEL: Step(State.ENDING, (_A.CONCLUDE,)),
    },
    State.STARTING: {
        _S.HELLO: Step(State.ADMITTING, (_A.UNWIND, _A.ADMIT)),
        _S.CANCEL: Step(State.ENDING, (_A.KILL, _A.CONCLUDE)),
        _S.OVERDUE: Step(State.STARTING, (_A.KILL,)),
        _S.DEATH: Step(State.DYING, _BURY),
    },
    State.ADMITTING: {
        _S.HELLO: Step(State.ADMITTING, (_A.UNWIND,)),
        _S.ADMITTED: Step(State.RUNNING, (_A.START,)),
        _S.CANCEL: Step(State.ENDING, (_A.KILL, _A.CONCLUDE)),
        _S.HANGUP: Step(State.ADMITTING, (_A.EXPECT,)),
        _S.OVERDUE: Step(State.ADMITTING, (_A.KILL,)),
        _S.DEATH: Step(State.DYING, _BURY),
    },
    State.RUNNING: {
        # Sooner than the end of the stream before it was noticed, or after it in ADMITTING.
        _S.HELLO: Step(State.RUNNING, (_A.UNWIND, _A.WELCOME)),
        _S.CANCEL: Step(State.STOPPING, (_A.ASK,)),
        _S.TIMEOUT: Step(State.STOPPING, (_A.ASK,)),
        _S.OUTCOME: Step(State.ENDING, (_A.CONCLUDE,)),
        _S.BREACH: Step(State.ENDING, (_A.KILL, _A.CONCLUDE)),
        _S.HANGUP: Step(State.AWAITED, (_A.EXPECT,)),
        _S.OVERDUE: Step(State.RUNNING, (_A.KILL,)),
        _S.DEATH: Step(State.DYING, _BURY),
    },
    State.AWAITED: {
        _S.HELLO: Step(State.RUNNING, (_A.UNWIND, _A.WELCOME)),
        # It is told when it comes, and has the whole grace then.
        _S.CANCEL: Step(State.AWAITED, (_A.HURRY,)),
        _S.TIMEOUT: Step(State.AWAITED, (_A.HURRY,)),
        # What came before the stream broke may have waited for a commit.
        _S.OUTCOME: Step(State.ENDING, (_A.CONCLUDE,)),
        _S.BREACH: Step(State.ENDING, (_A.KILL, _A.CONCLUDE)),
        _S.OVERDUE: Step(State.AWAITED, (_A.KILL,)),
        _S.DEATH: Step(State.DYING, _BURY),
    },
    State.STOPPING: {
        **_stays(State.STOPPING, _S.CANCEL, _S.TIMEOUT, _S.HANGUP),
        # The grace goes on: or who comes again and again would never be killed.
        _S.HELLO: Step(State.STOPPING, (_A.WELCOME,)),
        _S.OUTCOME: Step(State.ENDING, (_A.CONCLUDE,)),
        _S.BREACH: Step(State.ENDING, (_A.KILL, _A.CONCLUDE)),
        _S.OVERDUE: Step(State.STOPPING, (_A.KILL,)),
        _S.DEATH: Step(State.DYING, _BURY),
    },
    State.DYING: {
        **_stays(State.DYING, _S.ADMITTED, _S.CANCEL, _S.TIMEOUT, _S.HANGUP, _S.OVERDUE),
        _S.COLLECTED: Step(State.ENDING, (_A.CONCLUDE,)),
    },
    State.ENDING: {
        **_stays(State.ENDING, _S.ADMITTED, _S.CANCEL, _S.TIMEOUT, _S.HANGUP, _S.OVERDUE),
        **_stays(State.ENDING, _S.COLLECTED),
        _S.HELLO: Step(State.ENDING, (_A.WELCOME,)),  # the acknowledgement it waits for comes
        _S.DEATH: Step(State.ENDING, _BURY),
        _S.COMMITTED: Step(State.ENDED, (_A.LEAVE,)),
    },
    State.ENDED: {
        **_stays(State.ENDED, _S.ADMITTED, _S.CANCEL, _S.TIMEOUT, _S.HANGUP),
        **_stays(State.ENDED, _S.COLLECTED),
        _S.OVERDUE: Step(State.ENDED, (_A.KILL,)),
        _S.DEATH: Step(State.ENDED, _BURY),
    },
}

#: Where a request to end still changes something.
CANCELLABLE = {State.QUEUED, State.STARTING, State.ADMITTING, State.RUNNING, State.AWAITED}
#: Where a question may be answered: its process lives and has not said how it ended.
ANSWERABLE = {State.RUNNING, State.AWAITED, State.STOPPING}
#: Where being overdue costs a process its life before it has said how it ended.
UNSAID = {State.STARTING, State.ADMITTING, State.RUNNING, State.AWAITED, State.STOPPING}

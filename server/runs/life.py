"""The life of a run, as a table. Pure.

The rules:

* A run is ``queued`` until it has a place, ``starting`` until its process has proved who it is and
  its start is committed, ``running`` then, ``stopping`` once it was told to end, ``dying`` when its
  process went before it had said how it ended, ``ending`` while the terminal event is being
  committed, and ``ended``.
* :attr:`Action.CONCLUDE` writes the terminal event. It stands on every way into ``ending`` and
  nowhere else, and no way leads back from there: exactly one terminal event, whatever happens.
* User code is let run (:attr:`Action.START`) on one way only, from ``starting`` to ``running``,
  which no run takes twice. A run that is cancelled before takes it never.
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
    RUNNING = auto()
    STOPPING = auto()
    DYING = auto()
    ENDING = auto()
    ENDED = auto()


class Signal(Enum):
    """What happens to a run."""

    PLACED = auto()  # a place is free for it
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
    ADMIT = auto()  # commit the process and the start
    START = auto()  # say welcome and start
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
        _S.CANCEL: Step(State.ENDING, (_A.CONCLUDE,)),
    },
    State.STARTING: {
        _S.HELLO: Step(State.STARTING, (_A.ADMIT,)),
        _S.ADMITTED: Step(State.RUNNING, (_A.START,)),
        _S.CANCEL: Step(State.ENDING, (_A.KILL, _A.CONCLUDE)),
        _S.HANGUP: Step(State.STARTING, (_A.EXPECT,)),
        _S.OVERDUE: Step(State.STARTING, (_A.KILL,)),
        _S.DEATH: Step(State.DYING, _BURY),
    },
    State.RUNNING: {
        _S.CANCEL: Step(State.STOPPING, (_A.ASK,)),
        _S.TIMEOUT: Step(State.STOPPING, (_A.ASK,)),
        _S.OUTCOME: Step(State.ENDING, (_A.CONCLUDE,)),
        _S.BREACH: Step(State.ENDING, (_A.KILL, _A.CONCLUDE)),
        _S.HANGUP: Step(State.RUNNING, (_A.EXPECT,)),
        _S.OVERDUE: Step(State.RUNNING, (_A.KILL,)),
        _S.DEATH: Step(State.DYING, _BURY),
    },
    State.STOPPING: {
        **_stays(State.STOPPING, _S.CANCEL, _S.TIMEOUT, _S.HANGUP),
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
        **_stays(State.ENDING, _S.HELLO, _S.ADMITTED, _S.CANCEL, _S.TIMEOUT, _S.HANGUP),
        **_stays(State.ENDING, _S.OVERDUE, _S.COLLECTED),
        _S.DEATH: Step(State.ENDING, _BURY),
        _S.COMMITTED: Step(State.ENDED, (_A.LEAVE,)),
    },
    State.ENDED: {
        **_stays(State.ENDED, _S.HELLO, _S.ADMITTED, _S.CANCEL, _S.TIMEOUT, _S.HANGUP),
        **_stays(State.ENDED, _S.COLLECTED),
        _S.OVERDUE: Step(State.ENDED, (_A.KILL,)),
        _S.DEATH: Step(State.ENDED, _BURY),
    },
}

"""The table of a run's life holds its rules."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.runs.adoption import OPEN_DOORS
from server.runs.life import TABLE, Action, ImpossibleError, Signal, State, step

#: Pairs that cannot happen, and why: what the shell relies on.
IMPOSSIBLE = {
    State.QUEUED: {  # there is no process, and nothing that its end would be made of
        *(Signal.HELLO, Signal.ADMITTED, Signal.TIMEOUT, Signal.OUTCOME, Signal.BREACH),
        *(Signal.HANGUP, Signal.OVERDUE, Signal.DEATH, Signal.COLLECTED, Signal.COMMITTED),
    },
    State.STARTING: {  # there is no stream before the hello, and nothing is committed for it
        *(Signal.PLACED, Signal.FOUND, Signal.ADMITTED, Signal.TIMEOUT, Signal.OUTCOME),
        *(Signal.BREACH, Signal.HANGUP, Signal.COLLECTED, Signal.COMMITTED),
    },
    State.ADMITTING: {  # nothing is read before the start is committed
        *(Signal.PLACED, Signal.FOUND, Signal.TIMEOUT, Signal.OUTCOME, Signal.BREACH),
        *(Signal.COLLECTED, Signal.COMMITTED),
    },
    State.RUNNING: {  # one admission
        *(Signal.PLACED, Signal.FOUND, Signal.ADMITTED, Signal.COLLECTED, Signal.COMMITTED),
    },
    State.AWAITED: {  # it has no stream that could break once more
        *(Signal.PLACED, Signal.FOUND, Signal.ADMITTED, Signal.HANGUP),
        *(Signal.COLLECTED, Signal.COMMITTED),
    },
    State.STOPPING: {
        *(Signal.PLACED, Signal.FOUND, Signal.ADMITTED, Signal.COLLECTED, Signal.COMMITTED),
    },
    State.DYING: {  # what the drain finds is evidence, not a signal; the door is closed
        *(Signal.PLACED, Signal.FOUND, Signal.HELLO, Signal.OUTCOME, Signal.BREACH),
        *(Signal.DEATH, Signal.COMMITTED),
    },
    State.ENDING: {  # nothing is decoded any more
        *(Signal.PLACED, Signal.FOUND, Signal.OUTCOME, Signal.BREACH),
    },
    State.ENDED: {  # the door is closed
        *(Signal.PLACED, Signal.FOUND, Signal.HELLO, Signal.OUTCOME, Signal.BREACH),
        Signal.COMMITTED,
    },
}


@pytest.mark.parametrize(("state", "signal"), list(itertools.product(State, Signal)))
def test_every_pair_is_in_the_table_or_impossible(state: State, signal: Signal) -> None:
    """No pair is forgotten."""
    assert (signal in TABLE[state]) != (signal in IMPOSSIBLE[state])
    if signal in IMPOSSIBLE[state]:
        with pytest.raises(ImpossibleError):
            step(state, signal)


@settings(deadline=None)
@given(st.lists(st.sampled_from(Signal), max_size=40))
def test_there_is_exactly_one_end(signals: list[Signal]) -> None:
    """Whatever happens in whatever order: one terminal event, one start, one launch at most."""
    state = State.QUEUED
    done: list[Action] = []
    for signal in signals:
        if signal in TABLE[state]:
            state, actions = step(state, signal)
            done += actions
    for action in (Action.CONCLUDE, Action.START, Action.LAUNCH, Action.LEAVE):
        assert done.count(action) <= 1
    assert (Action.CONCLUDE in done) == (state in {State.ENDING, State.ENDED})
    assert (Action.LEAVE in done) == (state is State.ENDED)
    if Action.START in done:
        assert done.index(Action.LAUNCH) < done.index(Action.START)
    assert not (Action.ADOPT in done and {Action.LAUNCH, Action.START} & set(done))


@settings(deadline=None)
@given(
    st.sampled_from([Signal.PLACED, Signal.FOUND]), st.lists(st.sampled_from(Signal), max_size=20)
)
def test_every_death_leads_to_an_end(first: Signal, signals: list[Signal]) -> None:
    """From wherever a run is, its process's death, looked into and committed, ends it."""
    state = State.QUEUED
    for signal in [first, *signals]:
        if signal in TABLE[state]:
            state, _ = step(state, signal)
    for signal in (Signal.DEATH, Signal.COLLECTED, Signal.COMMITTED):
        if signal in TABLE[state]:
            state, _ = step(state, signal)
    assert state is State.ENDED


def test_every_death_frees_the_place() -> None:
    """In every state that has a process, after the rest of its group was killed."""
    for state in State:
        if state in {State.QUEUED, State.DYING}:
            continue
        actions = step(state, Signal.DEATH).actions
        assert actions == (Action.KILL, Action.FREE, Action.COLLECT)


def test_user_code_starts_on_one_way_only() -> None:
    """From admitting to running, when the start is committed."""
    ways = [
        (state, signal)
        for state, row in TABLE.items()
        for signal, to in row.items()
        if Action.START in to.actions
    ]
    assert ways == [(State.ADMITTING, Signal.ADMITTED)]


def test_every_open_door_has_an_answer() -> None:
    """A hello is in the table exactly where the run's process is let in."""
    assert {state for state in State if Signal.HELLO in TABLE[state]} == OPEN_DOORS


def test_who_comes_back_does_not_wind_the_grace_up_again() -> None:
    """A run that was told to stop cannot gain time by breaking its stream."""
    actions = step(State.STOPPING, Signal.HELLO).actions
    assert not {Action.UNWIND, Action.ASK, Action.HURRY, Action.EXPECT} & set(actions)

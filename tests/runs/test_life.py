"""The table of a run's life holds its rules."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.runs.life import TABLE, Action, ImpossibleError, Signal, State, step

#: Pairs that cannot happen, and why: what the shell relies on.
IMPOSSIBLE = {
    State.QUEUED: {  # there is no process, and nothing that its end would be made of
        *(Signal.HELLO, Signal.ADMITTED, Signal.TIMEOUT, Signal.OUTCOME, Signal.BREACH),
        *(Signal.HANGUP, Signal.OVERDUE, Signal.DEATH, Signal.COLLECTED, Signal.COMMITTED),
    },
    State.STARTING: {  # nothing is read before the start is committed
        *(Signal.PLACED, Signal.TIMEOUT, Signal.OUTCOME, Signal.BREACH),
        *(Signal.COLLECTED, Signal.COMMITTED),
    },
    State.RUNNING: {  # one connection, one admission
        *(Signal.PLACED, Signal.HELLO, Signal.ADMITTED, Signal.COLLECTED, Signal.COMMITTED),
    },
    State.STOPPING: {
        *(Signal.PLACED, Signal.HELLO, Signal.ADMITTED, Signal.COLLECTED, Signal.COMMITTED),
    },
    State.DYING: {  # what the drain finds is evidence, not a signal
        *(Signal.PLACED, Signal.HELLO, Signal.OUTCOME, Signal.BREACH),
        *(Signal.DEATH, Signal.COMMITTED),
    },
    State.ENDING: {Signal.PLACED, Signal.OUTCOME, Signal.BREACH},  # nothing is decoded any more
    State.ENDED: {Signal.PLACED, Signal.OUTCOME, Signal.BREACH, Signal.COMMITTED},
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


@settings(deadline=None)
@given(st.lists(st.sampled_from(Signal), max_size=20))
def test_every_death_leads_to_an_end(signals: list[Signal]) -> None:
    """From wherever a run is, its process's death, looked into and committed, ends it."""
    state = State.QUEUED
    for signal in [Signal.PLACED, *signals]:
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
    """From starting to running, when the start is committed."""
    ways = [
        (state, signal)
        for state, row in TABLE.items()
        for signal, to in row.items()
        if Action.START in to.actions
    ]
    assert ways == [(State.STARTING, Signal.ADMITTED)]

"""Who belongs to a run, told from one look at all processes."""

import pytest

from server.runs.containment.kin import ForkServer, Identity, Process, groups, members

HOME = 10  # the session of server and fork server
LEADER = Identity(100, 50)


def seen(*rows: tuple[int, int, int, int, str]) -> dict[int, Process]:
    """Rows of pid, parent, session, start time, state; a server, a fork server, a neighbour."""
    always = [(10, 1, HOME, 1, "S"), (11, 10, HOME, 2, "S"), (900, 11, 900, 60, "S")]
    every = [*always, *rows]
    return {
        pid: Process(pid, started, state, parent, session, session, 1)
        for pid, parent, session, started, state in every
    }


NURSERY = ForkServer(11, {LEADER, Identity(900, 60)})
ALIVE = (100, 11, 100, 50, "S")

TABLE = [
    ("alone", [ALIVE], {100}),
    ("children of children", [ALIVE, (101, 100, 100, 51, "S"), (102, 101, 100, 52, "S")],
     {100, 101, 102}),
    ("a daemon of a living leader", [ALIVE, (101, 100, 101, 51, "S")], {100, 101}),
    ("zombies", [ALIVE, (101, 100, 100, 51, "Z")], {100}),
    ("dead", [], set()),
    ("a zombie's session", [(100, 11, 100, 50, "Z"), (101, 1, 100, 51, "S")], {101}),
    ("the session of one who is gone", [(101, 1, 100, 51, "S")], {101}),
    ("orphans", [(101, 11, 101, 51, "S"), (102, 101, 101, 52, "T")], {101, 102}),
    ("an older orphan", [(101, 11, 101, 49, "S")], set()),
    ("who is being born has the fork server's session", [(101, 11, HOME, 70, "S")], set()),
    ("the pid is another's", [(100, 1, 100, 80, "S"), (101, 100, 100, 81, "S")], set()),
    ("orphans are not sought while it lives", [ALIVE, (101, 11, 101, 51, "S")], {100}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_members(rows: list[tuple[int, int, int, int, str]], expected: set[int]) -> None:
    """Descent, session and orphanhood decide; neighbours and helpers are never among them."""
    assert set(members(seen(*rows), LEADER, NURSERY)) == expected


def test_who_bears_the_mark_belongs_to_it() -> None:
    """Wherever it has got to, with all its children."""
    rows = [(101, 1, 101, 51, "S"), (102, 101, 102, 52, "S"), (103, 1, 103, 53, "S")]
    assert set(members(seen(*rows), LEADER, None, marked=[101])) == {101, 102}
    assert set(members(seen(*rows), LEADER, None, marked=[4711])) == set()


def test_one_whose_first_thread_only_has_ended_lives() -> None:
    """The kernel calls it a zombie, and it goes on."""
    looked = seen(ALIVE, (101, 100, 101, 51, "Z"), (102, 100, 102, 51, "Z"))
    looked[102] = looked[102]._replace(threads=2)
    assert set(members(looked, LEADER, NURSERY)) == {100, 102}


def test_a_group_is_a_runs_if_all_who_live_in_it_are() -> None:
    """One stranger in it, and it is not; the dead do not count."""
    looked = seen((101, 1, 101, 51, "S"), (102, 101, 101, 52, "Z"), (103, 101, 900, 53, "S"))
    assert groups(looked, {101, 103}) == {101}
    assert groups(looked, {101, 103, 900}) == {101, 900}
    assert groups(looked, set()) == set()

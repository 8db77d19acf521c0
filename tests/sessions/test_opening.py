"""Where a reader starts."""

import pytest

from server.errors import BadCursor, BadRequest
from server.events import Cursor, Event
from server.records import Head, SessionRecord
from server.sessions.opening import Wish, resolve, wanted

HEAD = Head(record=SessionRecord(id="s", epoch="aaaa1111"), last=10, state="running")

STARTS = {
    # asked for: (start, reset)
    "": (0, None),
    "now": (10, None),
    "aaaa1111-0": (0, None),
    "aaaa1111-3": (3, None),
    "aaaa1111-10": (10, None),
    "bbbb2222-0": (0, None),
    "bbbb2222-3": (0, "epoch"),
    "bbbb2222-99": (0, "epoch"),
    "aaaa1111-11": (0, "ahead"),
}


@pytest.mark.parametrize("asked", STARTS)
def test_start(asked: str) -> None:
    """A cursor is continued where it can be, and else the reader is told and begins anew."""
    opening = resolve(Wish.parse(asked), HEAD)
    assert (opening.start, opening.reset) == STARTS[asked]


@pytest.mark.parametrize("asked", [text for text, (_, reset) in STARTS.items() if reset])
def test_reset_is_announced(asked: str) -> None:
    """Before a reset, ``ready`` repeats what was asked for; the reset names what is there."""
    ready, reset = resolve(Wish.parse(asked), HEAD).frames("s", 10)
    assert ready["type"] == "ready"
    assert ready["after"] == asked
    assert reset["type"] == "reset"
    assert (reset["epoch"], reset["first"], reset["last"]) == ("aaaa1111", 1, 10)


def test_ready_says_where_it_continues() -> None:
    """Without a cursor, ``ready`` hands one out: a reader has a cursor from the first byte."""
    (ready,) = resolve(Wish.parse(""), HEAD).frames("s", 10)
    assert ready["after"] == "aaaa1111-0"
    (ready,) = resolve(Wish.parse("now"), HEAD).frames("s", 10)
    assert ready["after"] == "aaaa1111-10"


GARBAGE = ["-", "1", "a-1", "aaaa-", "aaaa--1", "aaaa-01", "AAAA-1", "aaaa-1 ", "aaaa-1\n", "NOW"]


@pytest.mark.parametrize("text", [*GARBAGE, "aaaa-" + "9" * 30, "a" * 17 + "-1", "aaaa-\u0661"])
def test_garbage_is_refused(text: str) -> None:
    """What no server ever gave out is an error, not a start from somewhere."""
    with pytest.raises(BadCursor):
        Wish.parse(text)


@pytest.mark.parametrize(("types", "until"), [("Bad", "run"), ("a b", "run"), ("", "never")])
def test_other_parameters_are_checked(types: str, until: str) -> None:
    """A filter of impossible types and an unknown ``until`` are errors that name the parameter."""
    with pytest.raises(BadRequest) as caught:
        Wish.parse("", types, until)
    assert caught.value.path == ("until" if until == "never" else "types")


def test_complete_only_at_the_end_of_a_closed_session() -> None:
    """There is nothing to send at the end of a closed session, unless later runs are wanted."""
    closed = Head(record=HEAD.record, last=10, state="closed")
    assert resolve(Wish.parse("aaaa1111-10"), closed).complete
    assert resolve(Wish.parse("now"), closed).complete
    assert not resolve(Wish.parse("aaaa1111-9"), closed).complete
    assert not resolve(Wish.parse("aaaa1111-11"), closed).complete
    assert not resolve(Wish.parse("aaaa1111-10", until="forever"), closed).complete
    assert not resolve(Wish.parse("aaaa1111-10"), HEAD).complete


def test_filter() -> None:
    """A filter lets the named types pass and nothing else, terminal events included."""
    events = [Event(1, "a", b"1"), Event(2, "b", b"2"), Event(3, "complete", b"3")]
    assert wanted(resolve(Wish.parse("", "a,b"), HEAD).types, events) == events[:2]
    assert wanted(resolve(Wish.parse(""), HEAD).types, events) == events


def test_cursor_round_trip() -> None:
    """A cursor reads as it was written."""
    assert Cursor.parse(str(Cursor("abcd", 7))) == Cursor("abcd", 7)

"""Events and cursors: one line of JSON for any data, and texts that no server gave out."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import events
from server.errors import BadCursor, BadRequest
from server.events import Cursor, Draft, check_id, draft, server_draft
from workflows.runtime.context import RESERVED_TYPES

#: Text without lone surrogates, which are no UTF-8 and stop at the pipe.
text = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        text,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(text, inner, max_size=4)),
    max_leaves=12,
)
data = st.dictionaries(text, values, max_size=4)
types = st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
epochs = st.from_regex(r"[a-z0-9]{4,16}", fullmatch=True)
offsets = st.integers(0, 10**18 - 1)
#: Up to the year 9999, the last that RFC 3339 can write.
micros = st.integers(0, 253_402_300_799_999_999)

NOT_CURSORS = [
    "",
    "-",
    "0",
    "7",
    "abcd",
    "abcd-",
    "-7",
    "abc-7",
    "abcdefghijklmnopq-7",
    "abcd-07",
    "abcd-+7",
    "abcd--7",
    "abcd-7.0",
    "abcd-1e3",
    "abcd- 7",
    " abcd-7",
    "abcd-7 ",
    "abcd-7\n",
    "ABCD-7",
    "abcd-٧",
    "abcd_7",
    "abcd-1000000000000000000",
    "now",
    "null",
]
NOT_IDS = ["", "a" * 65, "a b", "a/b", "..", "a.b", "é", "a\n", "a\x00", "٧", "a%2f", "<b>"]


@given(types, ids, data, micros, st.integers(1, 10**15))
def test_an_event_is_one_line_of_json(
    type_: str, run: str, given_data: dict[str, Any], at: int, offset: int
) -> None:
    """Whatever the data, the bytes are one line of UTF-8 JSON without a raw CR, fields in order."""
    made = draft(type_, run, events.encode_json(given_data), micros=at).at(offset)
    assert (made.offset, made.type) == (offset, type_)
    assert b"\n" not in made.line
    assert b"\r" not in made.line
    read = json.loads(made.line.decode())
    assert list(read) == ["offset", "time", "type", "run", "data"]
    assert read == {
        "offset": offset,
        "time": events.timestamp(at),
        "type": type_,
        "run": run,
        "data": given_data,
    }


@given(data)
def test_data_is_not_touched(given_data: dict[str, Any]) -> None:
    """The bytes that came stand in the line as they came, spaces and escapes included."""
    came = json.dumps(given_data, indent=None, separators=(", ", " : ")).encode()
    assert draft("note", "r_1", came).at(1).line.endswith(b'"data":' + came + b"}")


@given(text, text)
def test_a_speaker_stands_between_run_and_data(agent: str, span: str) -> None:
    """``agent`` and ``span`` come after ``run``, encoded once."""
    spoken = events.encode_json({"agent": agent, "span": span})[1:-1] + b","
    read = json.loads(draft("note", "r_1", b"{}", speaker=spoken).at(1).line)
    assert list(read) == ["offset", "time", "type", "run", "agent", "span", "data"]
    assert (read["agent"], read["span"]) == (agent, span)


@given(data, st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_draft_may_get_another_offset(
    given_data: dict[str, Any], first: int, second: int
) -> None:
    """An offset that a failed commit gave out leaves no trace in the draft."""
    made = draft("note", "r_1", events.encode_json(given_data), micros=0)
    made.at(first)
    assert json.loads(made.at(second).line)["offset"] == second


def test_the_servers_own_event() -> None:
    """An event of the server's has no number of a producer, and the time of its writing."""
    made = server_draft("run_start", "r_1", {"workflow": "echo", "input": {}})
    assert isinstance(made, Draft)
    assert made.n == 0
    read = json.loads(made.at(1).line)
    assert read["data"] == {"workflow": "echo", "input": {}}
    assert read["time"] <= events.now()


@given(micros)
def test_a_timestamp_is_rfc_3339(at: int) -> None:
    """A time has six digits of a second and a Z, and reads as the same microsecond."""
    written = events.timestamp(at)
    assert len(written) == len("2026-11-22T22:00:00.123456Z")
    since_1970 = datetime.fromisoformat(written) - datetime.fromtimestamp(0, UTC)
    assert since_1970 // timedelta(microseconds=1) == at


@given(epochs, offsets)
def test_a_cursor_reads_as_it_was_written(epoch: str, offset: int) -> None:
    """Every cursor that a server gives out is taken back as the same position."""
    assert Cursor.parse(str(Cursor(epoch, offset))) == (epoch, offset)


@given(st.text())
def test_a_cursor_is_taken_in_one_spelling_only(said: str) -> None:
    """A text is a cursor only if writing what was read gives the same text."""
    try:
        read = Cursor.parse(said)
    except BadCursor as error:
        assert error.path == "after"
    else:
        assert str(read) == said


@pytest.mark.parametrize("said", NOT_CURSORS)
def test_what_no_server_gave_out_is_no_cursor(said: str) -> None:
    """Anything else is the caller's mistake, and the message says what to send."""
    with pytest.raises(BadCursor, match="not a cursor") as caught:
        Cursor.parse(said)
    assert (caught.value.code, caught.value.status) == ("bad_cursor", 400)


def test_a_long_non_cursor_does_not_fill_the_message() -> None:
    """A message holds a piece of what was sent, never a megabyte of it."""
    with pytest.raises(BadCursor) as caught:
        Cursor.parse("x" * 1_000_000)
    assert len(caught.value.message) < 400


@given(ids)
def test_an_id_may_name_something(said: str) -> None:
    """What matches is given back as it came."""
    assert check_id(said, "session") == said


@pytest.mark.parametrize("said", NOT_IDS)
def test_anything_else_may_not(said: str) -> None:
    """An id is checked whole, a line end behind it included, and the message names it."""
    with pytest.raises(BadRequest, match="session must match") as caught:
        check_id(said, "session")
    assert caught.value.path == "session"


def test_fresh_names_are_valid_and_differ() -> None:
    """What the server makes up passes the rules that it sets for others."""
    made = {events.new_id("r") for _ in range(1000)}
    assert len(made) == 1000
    assert all(check_id(each, "run").startswith("r_") for each in made)
    assert len({events.new_epoch() for _ in range(1000)}) == 1000
    assert Cursor.parse(f"{events.new_epoch()}-0").offset == 0


def test_server_and_sdk_reserve_the_same_types() -> None:
    """What the server refuses from a pipe, and what only the runtime sends, ``emit`` refuses."""
    assert RESERVED_TYPES == events.SERVER_ONLY | events.RUNTIME_ONLY
    assert events.TERMINAL <= events.SERVER_ONLY
    assert not events.SERVER_ONLY & events.RUNTIME_ONLY
    assert all(events.TYPE.fullmatch(name) for name in RESERVED_TYPES)

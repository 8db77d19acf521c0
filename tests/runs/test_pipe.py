"""The pipe's codec: the same lines however they arrive, and no bytes that upset it."""

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.errors import ProtocolError
from server.events import NESTING_LIMIT, SERVER_ONLY
from server.runs.lines import LINE_LIMIT
from server.runs.pipe import (
    TIME_LIMIT,
    Batch,
    Decoder,
    answer,
    cancel,
    read_hello,
    start,
)
from tests.runs.impostors import NOW, complete, event

CONVERSATION = (
    event(1, agent="Supervisor", span="s1", data={"text": "Grüße\r\n", "deep": [[{}]]})
    + event(2, "log", data={"stream": "stderr", "text": "oh"})
    + event(2, "forged")
    + event(3, "input_request", data={"request": "q1", "prompt": "?", "schema": {"type": "null"}})
    + complete(4, {"a": 1.5})
)


def _line(n: int = 1, **fields: Any) -> bytes:
    return json.dumps({"n": n, "t": NOW, "type": "step", **fields}).encode() + b"\n"


def _decode(raw: bytes) -> Batch:
    return Decoder("r_1").feed(raw)


def _merge(batches: list[Batch]) -> Batch:
    whole = Batch()
    for batch in batches:
        whole.drafts += batch.drafts
        whole.words += batch.words
        whole.asked |= batch.asked
        whole.outcome = whole.outcome or batch.outcome
        whole.breach = whole.breach or batch.breach
    return whole


def _facts(batch: Batch) -> Any:
    return batch.drafts, batch.words, batch.asked, batch.outcome, batch.breach


def test_a_conversation_is_decoded() -> None:
    """Events with their numbers, questions, last words and the outcome."""
    batch = _decode(CONVERSATION)
    assert [(draft.n, draft.type) for draft in batch.drafts] == [
        (1, "step"),
        (2, "log"),
        (3, "input_request"),
    ]
    first = msgspec.json.decode(batch.drafts[0].at(7).line)
    assert first == {
        "offset": 7,
        "time": "2026-09-21T14:13:20.000000Z",
        "type": "step",
        "run": "r_1",
        "agent": "Supervisor",
        "span": "s1",
        "data": {"text": "Grüße\r\n", "deep": [[{}]]},
    }
    assert batch.words == ["oh"]
    assert batch.asked == {"q1": {"type": "null"}}
    assert batch.outcome is not None
    assert (batch.outcome.kind, batch.outcome.result) == ("complete", b'{"a": 1.5}')


def test_data_passes_as_it_is() -> None:
    """The bytes of `data` are the child's, not those of another encoder."""
    raw = b'{"n":1,"t":0,"type":"step","data": {"a" : 1.0e2,"a":"\\u00e9"} }\n'
    assert b'"data":{"a" : 1.0e2,"a":"\\u00e9"}}' in _decode(raw).drafts[0].tail


def test_one_byte_at_a_time() -> None:
    """The smallest reads give what one read gives."""
    decoder = Decoder("r_1")
    batches = [decoder.feed(bytes([byte])) for byte in CONVERSATION]
    assert _facts(_merge(batches)) == _facts(_decode(CONVERSATION))


@settings(deadline=None)
@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=30))
def test_any_split_gives_the_same(cuts: list[int]) -> None:
    """Where the stream is cut means nothing."""
    bounds = [0, *sorted(cuts), len(CONVERSATION)]
    decoder = Decoder("r_1")
    pieces = [CONVERSATION[a:b] for a, b in pairwise(bounds)]
    assert _facts(_merge([decoder.feed(piece) for piece in pieces])) == _facts(
        _decode(CONVERSATION)
    )


_almost = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(
    st.lists(
        st.binary()
        | _almost.map(lambda value: json.dumps(value).encode())
        | st.dictionaries(
            st.sampled_from(["n", "t", "type", "outcome", "data", "agent", "error", "result"]),
            st.sampled_from([1, 2, 0, "step", "log", "complete", "error", {}, []]) | _almost,
        ).map(lambda fields: json.dumps(fields).encode())
    )
)
@example([b""])
@example([b"[" * 100_000])
@example([b'{"a":' * 100_000])
@example([b'{"n":1,"t":1,"data":"' + b"\\" * 1001])
def test_no_bytes_upset_it(lines: list[bytes]) -> None:
    """Anything is an event, an outcome or a breach; what passes is one line of strict JSON."""
    batch = _decode(b"\n".join(lines) + b"\n")
    for draft in batch.drafts:
        line = draft.at(1).line
        assert b"\n" not in line
        assert b"\r" not in line
        assert json.loads(line.decode())["offset"] == 1


@settings(deadline=None)
@given(st.binary())
def test_no_hello_upsets_it(line: bytes) -> None:
    """The first line is a hello or a ProtocolError."""
    with pytest.raises(ProtocolError):
        read_hello(line)


@pytest.mark.parametrize("type_", sorted(SERVER_ONLY))
def test_types_of_the_server_are_refused(type_: str) -> None:
    """Only the server writes them."""
    assert "only the server" in (_decode(_line(type=type_)).breach or "")


@pytest.mark.parametrize(
    "type_", ["", "Step", "1step", "a-b", "a b", "a" * 65, "é", 'a","run":"r_2', "step\n"]
)
def test_types_have_a_shape(type_: str) -> None:
    """`[a-z][a-z0-9_]{0,63}` and nothing else."""
    assert _decode(_line(type=type_)).breach is not None


@pytest.mark.parametrize(("depth", "good"), [(NESTING_LIMIT, True), (NESTING_LIMIT + 1, False)])
@pytest.mark.parametrize("beside", ["", "[" * 500, '"[\\', '\\"[{' * 100])
def test_nesting_is_counted_outside_strings(depth: int, good: bool, beside: str) -> None:
    """The line itself is the first level; brackets in a string are none."""
    inner: Any = beside
    for _ in range(depth - 2):
        inner = [inner, beside, []] if inner == beside else [inner, beside]
    # the innermost list of each round holds another: that is one level more
    raw = _line(data={"a": inner[0] if depth < 3 else inner})
    levels = _depth(json.loads(raw))
    assert (_decode(raw).breach is None) == (levels <= NESTING_LIMIT)
    assert levels in {depth, depth + 1}
    assert good or levels > NESTING_LIMIT


def _depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value
    if not isinstance(value, (list, dict)):
        return 0
    return 1 + max(map(_depth, inside), default=0)


def test_many_shallow_brackets_are_no_nesting() -> None:
    """Ten thousand rows are not deep."""
    assert _decode(_line(data={"rows": [[1, {"a": []}]] * 10_000})).breach is None


def test_a_line_may_have_a_mebibyte() -> None:
    """Not a byte more, with the line end or without."""
    room = LINE_LIMIT - len(_line(data={"a": ""})) + 1
    fits = _line(data={"a": "x" * room})
    assert _decode(fits).breach is None
    too_long = _line(data={"a": "x" * (room + 1)})
    assert "longer than" in (_decode(too_long).breach or "")
    assert "longer than" in (_decode(event(1) + b"x" * (LINE_LIMIT + 1)).breach or "")


def test_events_before_a_breach_are_kept() -> None:
    """In the same read too, and nothing after it is."""
    decoder = Decoder("r_1")
    batch = decoder.feed(event(1) + event(2) + event(5) + event(3))
    assert [draft.n for draft in batch.drafts] == [1, 2]
    assert "came after line 2" in (batch.breach or "")
    assert _facts(decoder.feed(event(3))) == ([], [], {}, None, None)


@pytest.mark.parametrize("t", [-1, TIME_LIMIT, 1 << 70, 1.5, "now", None])
def test_a_time_is_a_time(t: Any) -> None:
    """Microseconds since 1970 that RFC 3339 can write."""
    assert _decode(_line(t=t)).breach is not None
    assert _decode(_line(t=0) + _line(2, t=TIME_LIMIT - 1)).breach is None


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    """As in every browser: nobody can be shown another type than the server checked."""
    good = b'{"type":"complete","n":9,"t":1,"n":1,"type":"step","data":1,"data":{}}\n'
    assert [draft.type for draft in _decode(good).drafts] == ["step"]
    bad = b'{"type":"step","n":1,"t":1,"data":{},"type":"complete"}\n'
    assert _decode(bad).breach is not None


def test_a_speaker_cannot_forge_fields() -> None:
    """An agent's name is a string, however it is written."""
    forged = 'A","type":"complete","x":"'
    line = msgspec.json.decode(_decode(_line(agent=forged, span="")).drafts[0].at(1).line)
    assert line["agent"] == forged
    assert line["span"] == ""
    assert line["type"] == "step"


@pytest.mark.parametrize(
    "outcome",
    [
        {"outcome": "error"},
        {"outcome": "error", "error": {"code": "workflow_timeout", "message": ""}},
        {"outcome": "error", "error": {"code": "workflow_error"}},
        {"outcome": "crashed"},
    ],
)
def test_an_outcome_has_a_shape(outcome: dict[str, Any]) -> None:
    """An error says which and why, with a code that is the child's to give."""
    assert _decode(_line(**outcome)).breach is not None


def test_lines_to_the_child_are_one_line_each() -> None:
    """Whatever the values hold."""
    nasty = "a\nb\r\u2028"
    for line in (start("w", {"a": nasty}), cancel(nasty), answer("q", [nasty])):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        json.loads(line)

"""Bodies and parameters: what a caller may send, and that a wrong one is told what is wrong."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.system.processes import Server

SOME = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
GOOD = {"workflow": "no-such-workflow", "input": {"a": [1, "b"]}, "labels": {"k": "v"}}


class Caller:
    """Sends bodies and queries over one connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()

    def start(self, body: bytes) -> tuple[int, dict[str, str]]:
        """Ask for a run of a workflow that does not exist: a body that is read through is a 404."""
        answer = self.http.post(f"{self.url}/api/runs", data=body, timeout=60)
        return answer.status_code, answer.json()["error"]

    def get(self, path: str, **query: str) -> tuple[int, dict[str, Any]]:
        """The status and the body of a GET."""
        answer = self.http.get(self.url + path, params=query, timeout=60)
        return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def caller(server: Server) -> Iterator[Caller]:
    """A caller of the shared server."""
    found = Caller(server.url)
    with contextlib.closing(found.http):
        yield found


# -- bodies


def test_a_good_body_is_read(caller: Caller) -> None:
    """The body that the others are bent from is read to its end."""
    assert caller.start(json.dumps(GOOD).encode())[1]["code"] == "unknown_workflow"


@pytest.mark.parametrize(
    "body",
    [
        b"{", b'{"workflow":', b"workflow=echo", b"{'workflow':'echo'}", b'{"workflow":"echo"} {}',
        b'{"workflow":"echo",}', b" ", b"\x00", b'\xef\xbb\xbf{"workflow":"echo"}',
        '{"workflow":"echo"}'.encode("utf-16"), b'{"workflow":"\xff"}', b'{"\xc3":"echo"}',
        b'{"workflow":"echo","input":{"a":"\xed\xa0\x80"}}', rb'{"workflow":"\ud800"}',
        rb'{"workflow":"echo","input":{"a":"\udc00\ud800"}}', rb'{"workflow":"echo","\ud800":1}',
        b'{"workflow":"a\nb"}', b'{"workflow":"echo","input":{"a":NaN}}',
        b'{"workflow":"echo","input":{"a":Infinity}}', b'{"workflow":"echo","input":{"a":1e999}}',
        b'{"workflow":"echo","input":{"a":01}}',
        b'{"workflow":"echo","input":{"a":' + b"9" * 5000 + b"}}",
    ],
)  # fmt: skip
def test_what_is_no_json_in_utf8_is_refused(caller: Caller, body: bytes) -> None:
    """Broken JSON, another encoding, a lone surrogate and a number that is none are a 400."""
    status, error = caller.start(body)
    assert (status, error["code"]) == (400, "bad_request")
    assert error["message"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"workflow": 1}, "workflow"),
        ({"workflow": None}, "workflow"),
        ({"workflow": "echo", "input": []}, "input"),
        ({"workflow": "echo", "input": "text"}, "input"),
        ({"workflow": "echo", "labels": "blue"}, "labels"),
        ({"workflow": "echo", "labels": {"team": 1}}, "labels"),
        ({"workflow": "echo", "labels": {"team": None}}, "labels"),
    ],
)
def test_a_wrong_type_is_refused_with_its_path(caller: Caller, body: Any, path: str) -> None:
    """A value of the wrong type is a 400 that names the field and both types."""
    status, error = caller.start(json.dumps(body).encode())
    assert (status, error["code"]) == (400, "bad_request")
    assert error["path"].startswith(path)
    assert "expected" in error["message"].lower()


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"true", b"{}", b""])
def test_what_is_no_such_object_is_refused(caller: Caller, body: bytes) -> None:
    """Another kind of JSON and a missing field are a 400; an empty body is an empty object."""
    status, error = caller.start(body)
    assert (status, error["code"]) == (400, "bad_request")
    assert "`object`" in error["message"] or "`workflow`" in error["message"]


def test_an_unknown_field_is_refused_by_name(caller: Caller) -> None:
    """A misspelt field is told, instead of being left out in silence."""
    status, error = caller.start(json.dumps({**GOOD, "lables": {}}).encode())
    assert (status, error["code"]) == (400, "bad_request")
    assert "`lables`" in error["message"]


@pytest.mark.parametrize("shape", ["[", '{"a":'])
def test_deep_nesting_breaks_nothing(caller: Caller, shape: str) -> None:
    """What is nested too deep is refused; what is read can be kept and told again."""

    def status_of(depth: int, workflow: str) -> int:
        value = shape * depth + "1" + {"[": "]"}.get(shape, "}") * depth
        body = f'{{"workflow":"{workflow}","input":{{"value":{value}}}}}'
        return caller.http.post(f"{caller.url}/api/runs", data=body, timeout=60).status_code

    deepest, too_deep = 0, 100_000
    assert status_of(too_deep, "no-such-workflow") == 400
    while too_deep - deepest > 1:
        depth = (deepest + too_deep) // 2
        read = status_of(depth, "no-such-workflow") == 404
        deepest, too_deep = (depth, too_deep) if read else (deepest, depth)
    assert deepest > 100
    for depth in range(deepest - 3, deepest + 1):
        assert status_of(depth, "returns") == 202
        assert status_of(depth, "echo") == 422


def test_a_body_over_a_mebibyte_is_refused(caller: Caller) -> None:
    """A body may have 1 MiB, to the byte."""
    fill = 2**20 - len(json.dumps({**GOOD, "input": {"a": ""}}).encode())
    for more, status in ((0, 404), (1, 413), (2**20, 413)):
        body = json.dumps({**GOOD, "input": {"a": "x" * (fill + more)}}).encode()
        assert caller.start(body)[0] == status


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@SOME
@given(raw=st.binary(max_size=60), at=st.integers(0, 80), cut=st.integers(0, 4), value=values)
def test_any_bytes_are_read_or_refused(
    caller: Caller, raw: bytes, at: int, cut: int, value: Any
) -> None:
    """Whatever the bytes are, the answer is about them: read to the end, or refused as a 400."""
    whole = json.dumps({**GOOD, "input": {"a": value}}).encode()
    for body in (raw, whole[:at] + raw[:3] + whole[at + cut :], whole):
        status, error = caller.start(body)
        assert (status, error["code"]) in ((404, "unknown_workflow"), (400, "bad_request"))
        if status == 404:
            assert json.loads(body)["workflow"]


# -- parameters

SESSIONS = "/api/sessions"
EVENTS = "/api/sessions/test-answers/events"
NO_NUMBER = ["x", "-1", "+1", "1.0", "1e2", "0x1", "1_0", " 1", "1 ", "\t1", "\n", "\u0661",
             "\uff11", "\u00b2", "1,2", "null", "1" * 5000]  # fmt: skip


@pytest.mark.parametrize("value", [*NO_NUMBER, "0", "1001", "00", "9" * 18])
def test_a_limit_is_a_whole_number_in_its_bounds(caller: Caller, value: str) -> None:
    """Other spellings and other numbers are a 400 that names the parameter and its bounds."""
    for path in (SESSIONS, EVENTS):
        status, answer = caller.get(path, limit=value, wait="0")
        assert (status, answer["error"]["path"]) == (400, "limit")
        assert "1 to 1000" in answer["error"]["message"]


@pytest.mark.parametrize("value", ["", "1", "1000", "007"])
def test_a_limit_in_its_bounds_is_taken(caller: Caller, value: str) -> None:
    """Both bounds are inside, and an empty parameter is an absent one."""
    for path in (SESSIONS, EVENTS):
        assert caller.get(path, limit=value, wait="0")[0] == 200


@pytest.mark.parametrize(
    "value",
    ["x", "-1", "-0.001", "30.001", "31", "1e9", "nan", "NaN", "inf", "-inf", "Infinity", "0_0",
     " 0", "0 ", "\t0", "\u0660", "0x0", "0,5", "0s", "null"],
)  # fmt: skip
def test_seconds_are_a_number_in_their_bounds(caller: Caller, value: str) -> None:
    """Other spellings and other numbers are a 400 that names the parameter and its bounds."""
    status, answer = caller.get(EVENTS, wait=value)
    assert (status, answer["error"]["path"]) == (400, "wait")
    assert "0 to 30" in answer["error"]["message"]


@pytest.mark.parametrize("value", ["0", "0.0", "0.001", "1e-3"])
def test_seconds_in_their_bounds_are_taken(caller: Caller, value: str) -> None:
    """Any way to write a number of JSON is taken."""
    assert caller.get(EVENTS, wait=value)[0] == 200


def test_empty_seconds_are_absent(caller: Caller) -> None:
    """An empty ``wait`` makes no long poll, which would have created the session."""
    assert caller.get("/api/sessions/test-answers-unknown/events", wait="")[0] == 404


@pytest.mark.parametrize("value", [*NO_NUMBER, "1" + "0" * 18])
def test_before_says_its_true_bounds(caller: Caller, value: str) -> None:
    """What a refusal calls the highest number is taken, and nothing above it."""
    assert caller.get(SESSIONS, before="9" * 18)[0] == 200
    status, answer = caller.get(SESSIONS, before=value)
    assert (status, answer["error"]["path"]) == (400, "before")
    assert answer["error"]["message"].endswith("0 to " + "9" * 18)


@pytest.mark.parametrize("value", ["x", "Running", "running,closed", "error", " closed"])
def test_a_choice_is_one_of_those_known(caller: Caller, value: str) -> None:
    """Another word is a 400 that lists the known ones."""
    status, answer = caller.get(SESSIONS, state=value)
    assert (status, answer["error"]["path"]) == (400, "state")
    assert "waiting, running, closed" in answer["error"]["message"]

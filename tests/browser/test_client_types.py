"""``keepstream.d.ts`` says what ``keepstream.js`` has: no name more and no name less."""

import re

import pytest

from tests.browser.following import STATIC, node

DECLARED = (STATIC / "keepstream.d.ts").read_text()
BARE = re.sub(r"/\*\*.*?\*/|//[^\n]*", "", DECLARED, flags=re.DOTALL)


def members(interface: str) -> set[str]:
    """Return the names in an interface."""
    found = re.search(rf"interface {interface}\b[^{{]*\{{(.*?)\n\}}", BARE, re.DOTALL)
    assert found is not None, interface
    return set(re.findall(r"^  (?:readonly )?(\[?[\w.]+\]?)\??[:(]", found[1], re.MULTILINE))


def literals(union: str) -> set[str]:
    """Return the texts that a type is a union of."""
    found = re.search(rf"type {union} =(.*?);", BARE, re.DOTALL)
    assert found is not None, union
    return set(re.findall(r'"(\w+)"', found[1]))


async def test_types_have_every_name_that_there_is() -> None:
    """Exports, options, states, counts and methods are the same in both files."""
    there = await node("surface.mjs", STATIC)
    exported = re.findall(r"^export (?:const|function) (\w+)", BARE, re.MULTILINE)
    assert set(exported) == set(there["exports"])
    for interface in ("Stream", "Connection", "FollowOptions", "State", "Counts"):
        assert members(interface) == set(there[interface]), interface
    assert literals("StateName") == set(there["StateName"])


def test_types_have_every_reason_of_the_client() -> None:
    """A reason that the client finds itself is one of those in the type."""
    said = set()
    for path in (STATIC / "client").glob("*.js"):
        text = path.read_text()
        said |= set(re.findall(r'hangUp\("(\w+)"\)', text))
        said |= set(re.findall(r'reason: "(\w+)"', text))
        said |= set(re.findall(r'\[44\d\d, \["(\w+)"', text))
    assert {"gap", "silent", "reset", "revoked"} <= said
    assert said - {"closed", "bye"} <= literals("Reason")


@pytest.mark.parametrize("interface", ["FollowOptions", "Stream", "Connection", "State", "Counts"])
def test_every_member_is_explained(interface: str) -> None:
    """What an editor shows has words, unless its name says it all."""
    found = re.search(rf"interface {interface}\b[^{{]*\{{(.*?)\n\}}", DECLARED, re.DOTALL)
    assert found is not None
    explained = re.findall(r"\*/\n  (?:readonly )?(\[?[\w.]+\]?)\??[:(]", found[1])
    assert members(interface) - set(explained) <= {"state", "name"}

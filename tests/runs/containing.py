"""What the tests of containment share: both ways to contain, and who is left."""

import asyncio
import os
from pathlib import Path

import pytest

from server.runs import Catalogue
from server.runs.containment import slots
from server.runs.containment.limits import Limits
from tests.runs.conftest import alive

__all__ = ["GROUPED", "escaping", "nobody", "noted", "tier", "where"]


@pytest.fixture(scope="session")
def escaping() -> Catalogue:
    """The workflows that try to leave something behind."""
    catalogue = Catalogue(["tests.runs.escapes"])
    asyncio.run(catalogue.load())
    return catalogue


LOOKS = 5  # that find nobody, one after the other
#: Whether this machine lets us make control groups. Where it does not, nothing is to be tried.
GROUPED = slots.Ground.find("probe", Limits()) is not None


@pytest.fixture(params=["groups", "descent"] if GROUPED else ["descent"])
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With control groups, where this machine has any for us, and as where there are none."""
    if request.param == "descent":
        monkeypatch.setattr(slots, "mounts", lambda _: {})
    return str(request.param)


@pytest.fixture
def where(tmp_path: Path) -> Path:
    """Where the processes leave their pids."""
    directory = tmp_path / "pids"
    directory.mkdir()
    return directory


def noted(where: Path) -> list[int]:
    """Who has left its pid."""
    return [int(entry.name) for entry in where.iterdir()]


async def nobody(where: Path, seconds: float = 1.0) -> None:
    """Wait until none of them lives, so long at most: that is the promise. There were some."""
    assert noted(where)
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    clear = 0
    while clear < LOOKS:
        left = _left(where)
        clear = 0 if left else clear + 1
        assert loop.time() < end or not left, f"{sorted(left)} of {len(noted(where))} outlive"
        await asyncio.sleep(0.01)


def _left(where: Path) -> set[int]:
    """Who has noted its pid, and who has not yet: it flees, and a look may miss it."""
    named = {
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and os.fsencode(where) in _command(entry)
    }
    return {pid for pid in {*named, *noted(where)} if alive(pid)}


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it has gone
        return b""

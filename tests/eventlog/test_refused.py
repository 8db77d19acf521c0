"""Stores that must not be opened, and damage that must not be served."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from server.errors import SettingsError, StoreDamaged, StoreRefused
from server.eventlog import sqlite
from server.eventlog.stores import open_store
from server.settings import Settings
from tests.eventlog.making import asked, offsets, session, unnumbered, until, whole


def change(path: Path, *statements: str) -> None:
    """Do to the database what only a fault or a stranger does."""
    connection = apsw.Connection(str(path))
    for sql in statements:
        connection.execute(sql)
    connection.close()


async def fill(path: Path) -> None:
    """Make a store with events in the journal and in segments."""
    async with sqlite.open(path, journal_bytes=100_000) as events:
        for name in ("s1", "s2"):
            await events.append(session(name), unnumbered(100, "x" * 3000))
            await until(lambda: asked(path, "SELECT count(*) FROM journal") == [(0,)])
            await events.append(session(name), unnumbered(3))


async def refusal(path: Path) -> str:
    """The message with which the store is refused."""
    with pytest.raises(StoreRefused) as refused:
        async with sqlite.open(path):
            pass
    return refused.value.message


# -- another server


async def test_two_servers_do_not_share_a_folder(path: Path) -> None:
    """A second server is refused, told which folder and what to do; the first goes on."""
    async with sqlite.open(path) as events:
        message = await refusal(path)
        assert str(path.parent) in message
        assert "stop that one" in message
        assert await events.append(session(), unnumbered(1))
    async with sqlite.open(path) as events:
        assert await events.read("s1", 0)


async def test_the_lock_ends_with_its_process(path: Path) -> None:
    """After a kill -9 the next server opens at once."""
    child = [sys.executable, "-m", "tests.eventlog.children", "chatty", str(path)]
    with subprocess.Popen(child, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert "in use" in await refusal(path)
        holder.kill()
    async with sqlite.open(path) as events:
        assert await events.sessions(limit=1)


async def test_a_child_does_not_hold_the_lock(path: Path) -> None:
    """A process that was started meanwhile and lives on keeps nobody out."""
    async with sqlite.open(path):
        heir = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)
    try:
        async with sqlite.open(path) as events:
            assert await events.append(session(), unnumbered(1))
    finally:
        heir.communicate()


# -- what is not ours to open


def _garbage(path: Path) -> None:
    path.write_bytes(b"not a database, " * 1000)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _zeros(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:8192] = bytes(8092)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (_garbage, "is not a database"),
        (_cut, "is damaged"),
        (_zeros, "is damaged"),
        (lambda path: change(path, "PRAGMA application_id = 1"), "another program's"),
        (lambda path: change(path, "PRAGMA user_version = 2"), "newer format"),
        (lambda path: change(path, "PRAGMA user_version = 0"), "older format"),
    ],
    ids=["garbage", "cut", "zeros", "foreign", "newer", "older"],
)
async def test_a_store_that_cannot_be_trusted_is_refused(
    path: Path, fault: Callable[[Path], None], words: str
) -> None:
    """Refused with what is wrong and what to do, and left as it was."""
    await fill(path)
    fault(path)
    found = path.read_bytes()
    message = await refusal(path)
    assert re.search(words, message)
    assert path.read_bytes() == found
    assert await refusal(path) == message


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A DATA_DIR that is a file is named in the refusal."""
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in await refusal(tmp_path / "file" / "keepstream.db")


# -- damage that shows when it is read


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE segments SET body = zeroblob(length(body)) WHERE session = 1 AND first = 1",
        "UPDATE segments SET crc = crc - 1 WHERE session = 1 AND first = 1",
        (
            "UPDATE segments SET body = (SELECT body FROM segments WHERE session = 2 AND first = 1)"
            " WHERE session = 1 AND first = 1"
        ),
        "DELETE FROM segments WHERE session = 1 AND first = 1",
    ],
    ids=["zeros", "crc", "another's", "missing"],
)
async def test_damage_is_named_and_never_served(path: Path, damage: str) -> None:
    """Bytes that are not those that were written raise, with session and offsets; others serve."""
    await fill(path)
    change(path, damage)
    async with sqlite.open(path) as events:
        with pytest.raises(StoreDamaged, match=r"events 1 to \d+ of session s1 are damaged"):
            await events.read("s1", 0)
        assert len(await whole(events, "s2")) == 103
        assert len(await events.read("s1", 100)) == 3
        assert await events.append(session("s1"), unnumbered(1))
        assert await events.delete("s1")


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        (
            "UPDATE journal SET crc = crc + 1 WHERE position = (SELECT max(position) FROM journal)",
            3,
        ),
        ("UPDATE journal SET position = position + 9", 3),
        ("DELETE FROM segments WHERE session = 2 AND last = 100", 0),
    ],
    ids=["crc", "moved", "missing"],
)
@pytest.mark.usefixtures("as_killed")
async def test_a_damaged_journal_is_saved(path: Path, damage: str, lost: int) -> None:
    """Only the sessions whose events were in it lose anything, and a new epoch says so."""
    await fill(path)
    async with sqlite.open(path) as events:
        before = {head.record.id: head for head in await events.sessions(limit=9)}
    change(path, damage)
    async with sqlite.open(path) as events:
        after = {head.record.id: head for head in await events.sessions(limit=9)}
        assert {error.session for error in events.health().damaged} >= {"s2"}
        assert after["s2"].last == 103 - lost
        assert (after["s2"].record == before["s2"].record) == (lost == 0)
        assert offsets(await events.append(session("s2"), unnumbered(1))) == [104 - lost]
        if "max" in damage or lost == 0:
            assert after["s1"] == before["s1"]
            assert len(await whole(events, "s1")) == 103
    async with sqlite.open(path) as events:
        assert not events.health().damaged


async def test_a_segment_missing_between_two_is_no_silent_gap(path: Path) -> None:
    """A page never jumps over events."""
    await fill(path)
    change(path, "DELETE FROM segments WHERE session = 1 AND first > 1 AND last < 100")
    async with sqlite.open(path) as events:
        with pytest.raises(StoreDamaged, match=r"events \d+ to \d+ of session s1"):
            await whole(events, "s1")


# -- STORE_URL


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("", "data/keepstream.db"),
        ("sqlite:///other/log.db", "other/log.db"),
        ("sqlite:///{tmp}/absolute.db", "absolute.db"),
        ("memory://", None),
    ],
)
async def test_the_store_is_the_one_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, made: str | None
) -> None:
    """``STORE_URL`` says which store and where; without it, a file in DATA_DIR."""
    monkeypatch.chdir(tmp_path)
    async with open_store(Settings(store_url=url.format(tmp=tmp_path))) as events:
        await events.append(session(), unnumbered(1))
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.db")) == (
        [made] if made else []
    )


@pytest.mark.parametrize("url", ["redis://localhost", "sqlite://", "sqlite:///", "keepstream.db"])
def test_a_store_that_nobody_knows_is_refused(url: str) -> None:
    """Any other ``STORE_URL`` is an error that says what is possible."""
    with pytest.raises(SettingsError, match="memory://"):
        open_store(Settings(store_url=url))

"""The settings: what each variable takes, and what is said about one that cannot be served."""

from pathlib import Path
from typing import Any

import pytest

from server.errors import SettingsError
from server.settings import Settings, load
from tests.system.processes import refused

ORIGINS = ("https://a.example", "https://b.example")

#: For each variable a text, and what it means.
MEANINGS: dict[str, tuple[str, Any]] = {
    "HOST": ("localhost", "localhost"),
    "PORT": ("0", 0),
    "DATA_DIR": ("/srv/keepstream", Path("/srv/keepstream")),
    "STORE_URL": ("memory://", "memory://"),
    "WORKFLOWS": ("workflows, mine.flows ,", ("workflows", "mine.flows")),
    "HEARTBEAT_SECONDS": ("0.5", 0.5),
    "ROTATE_SECONDS": ("3600", 3600),
    "MAX_RUNS": ("2", 2),
    "MAX_QUEUED_RUNS": ("0", 0),
    "RUN_TIMEOUT_SECONDS": ("60", 60),
    "CANCEL_GRACE_SECONDS": ("1.5", 1.5),
    "RUN_MEMORY_BYTES": ("536870912", 1 << 29),
    "RUN_PROCESSES": ("64", 64),
    "STOP_RUNS": ("Drain", "drain"),
    "REATTACH_SECONDS": ("2.5", 2.5),
    "RETENTION_SECONDS": ("86400", 86400),
    "WAITING_SECONDS": ("10", 10),
    "MAX_WAITING_SESSIONS": ("5", 5),
    "ALLOWED_ORIGINS": ("https://a.example, https://b.example", ORIGINS),
    "ALLOWED_HOSTS": ("streams.example", ("streams.example",)),
    "API_KEYS": ("", ()),
    "ALLOW_ANONYMOUS": ("1", True),
    "NEW_EPOCH": ("1", True),
    "LOG_LEVEL": ("DEBUG", "debug"),
    "LOG_FORMAT": ("JSON", "json"),
}
#: Texts that a variable does not take.
FAULTS = [
    ("PORT", "abc"),
    ("PORT", "-1"),
    ("PORT", "65536"),
    ("HEARTBEAT_SECONDS", "0"),
    ("HEARTBEAT_SECONDS", "soon"),
    ("HEARTBEAT_SECONDS", "nan"),
    ("ROTATE_SECONDS", "-1"),
    ("MAX_RUNS", "0"),
    ("MAX_RUNS", "1.5"),
    ("MAX_QUEUED_RUNS", "-1"),
    ("RUN_TIMEOUT_SECONDS", "0"),
    ("CANCEL_GRACE_SECONDS", "-5"),
    ("RUN_MEMORY_BYTES", "512M"),
    ("RUN_PROCESSES", "-1"),
    ("STOP_RUNS", "kill"),
    ("REATTACH_SECONDS", "0"),
    ("RETENTION_SECONDS", "0"),
    ("WAITING_SECONDS", "0"),
    ("MAX_WAITING_SESSIONS", "0"),
    ("ALLOW_ANONYMOUS", "perhaps"),
    ("NEW_EPOCH", "2"),
    ("LOG_LEVEL", "loud"),
    ("LOG_FORMAT", "xml"),
    ("API_KEYS", "secret"),
    ("HOST", "0.0.0.0"),
    ("HOST", "192.0.2.1"),
    ("HOST", "::"),
    ("HOST", "example.org"),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Start from an environment that says nothing of these variables."""
    for name in Settings.__struct_fields__:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_every_setting_is_in_this_file() -> None:
    """A setting without a case here has no test."""
    assert set(MEANINGS) == {name.upper() for name in Settings.__struct_fields__}


@pytest.mark.parametrize("name", MEANINGS)
def test_a_variable_is_read(name: str, environment: pytest.MonkeyPatch) -> None:
    """Each variable sets the attribute that has its name in lower case."""
    text, meaning = MEANINGS[name]
    environment.setenv(name, text)
    assert getattr(load(), name.lower()) == meaning


@pytest.mark.parametrize("name", MEANINGS)
def test_an_empty_variable_is_one_that_is_not_set(
    name: str, environment: pytest.MonkeyPatch
) -> None:
    """``NAME=`` gives the default, as tools that cannot unset a variable need it."""
    default = load()
    environment.setenv(name, "")
    assert load() == default


def test_a_stranger_in_the_environment_is_nobodys_business(
    environment: pytest.MonkeyPatch,
) -> None:
    """Variables of other programs are not looked at."""
    environment.setenv("HOSTNAME", "elsewhere")
    environment.setenv("SERVER_PORT", "abc")
    assert load() == Settings()


@pytest.mark.parametrize(("name", "text"), FAULTS)
def test_a_fault_names_its_variable(name: str, text: str, environment: pytest.MonkeyPatch) -> None:
    """What cannot be served is refused with the variable's name, before anything is opened."""
    environment.setenv(name, text)
    with pytest.raises(SettingsError) as caught:
        load()
    assert name in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "text", "takes"),
    [
        ("PORT", "abc", "a whole number from 0 to 65535"),
        ("HEARTBEAT_SECONDS", "0", "a number above 0, at most 315360000"),
        ("ROTATE_SECONDS", "-1", "a number, 0 or more, at most 315360000"),
        ("MAX_RUNS", "0", "a whole number, 1 or more"),
        ("RUN_MEMORY_BYTES", "512M", "a whole number, 0 or more"),
        ("STOP_RUNS", "kill", "leave, drain or cancel"),
        ("NEW_EPOCH", "2", "1 or 0"),
        ("LOG_LEVEL", "loud\x1b[31m", "debug, info, warning or error"),
        ("LOG_FORMAT", "xml", "auto, json or console"),
    ],
)
def test_a_fault_says_what_the_variable_takes(
    name: str, text: str, takes: str, environment: pytest.MonkeyPatch
) -> None:
    """Whoever reads the refusal knows what is there, in printable letters, and what to write."""
    environment.setenv(name, text)
    with pytest.raises(SettingsError) as caught:
        load()
    assert caught.value.message == f"{name}={text!r} is not {takes}"


@pytest.mark.parametrize("text", ["1", "0", "true", "False", "YES", "no", "on", "off"])
def test_a_flag_may_be_a_word(text: str, environment: pytest.MonkeyPatch) -> None:
    """What people write for yes and no elsewhere is understood."""
    environment.setenv("NEW_EPOCH", text)
    assert load().new_epoch == (text.lower() in {"1", "true", "yes", "on"})


def test_all_faults_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    """Nobody has to start three times to learn of three faults."""
    environment.setenv("PORT", "abc")
    environment.setenv("LOG_LEVEL", "loud")
    environment.setenv("MAX_RUNS", "0")
    with pytest.raises(SettingsError) as caught:
        load()
    assert all(name in caught.value.message for name in ("PORT", "LOG_LEVEL", "MAX_RUNS"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_needs_nobodys_leave(host: str, environment: pytest.MonkeyPatch) -> None:
    """Where only this machine can connect, the server listens without being told that it may."""
    environment.setenv("HOST", host)
    assert load().on_loopback


def test_strangers_are_let_in_by_name_only(environment: pytest.MonkeyPatch) -> None:
    """Another address than loopback's needs ``ALLOW_ANONYMOUS=1``, and the refusal says so."""
    environment.setenv("HOST", "0.0.0.0")
    with pytest.raises(SettingsError, match="ALLOW_ANONYMOUS=1"):
        load()
    environment.setenv("ALLOW_ANONYMOUS", "1")
    assert not load().on_loopback


def test_data_dir_is_absolute(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    """A relative ``DATA_DIR`` counts from where the server was started."""
    environment.chdir(tmp_path)
    assert load().data_dir == tmp_path / "data"
    environment.setenv("DATA_DIR", "elsewhere/data")
    assert load().data_dir == tmp_path / "elsewhere/data"


@pytest.mark.parametrize(
    ("name", "text"),
    [("HOST", "0.0.0.0"), ("PORT", "abc"), ("HEARTBEAT_SECONDS", "0"), ("API_KEYS", "k1")],
)
def test_a_server_that_cannot_be_served_exits(name: str, text: str, tmp_path: Path) -> None:
    """The process says what is wrong in one line, without a traceback, and exits with 2."""
    code, said = refused(tmp_path / "data", **{name: text})
    assert code == 2
    assert said.startswith("keepstream: ")
    assert name in said
    assert "Traceback" not in said
    assert said.count("\n") == 1
    assert not (tmp_path / "data").exists()

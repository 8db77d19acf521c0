"""The settings: read once from the environment, checked before anything is opened."""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from server.errors import SettingsError

# What a variable takes; the description is what an operator is told where it holds something else.
Words = tuple[str, ...]
Flag = Annotated[bool, Meta(description="1 or 0")]
Port = Annotated[int, Meta(ge=0, le=65535, description="a whole number from 0 to 65535")]
Count = Annotated[int, Meta(ge=0, description="a whole number, 0 or more")]
OneOrMore = Annotated[int, Meta(ge=1, description="a whole number, 1 or more")]
#: Ten years: what is longer was meant to be never, or is a slip.
LONGEST = 315_360_000
Seconds = Annotated[
    float, Meta(gt=0, le=LONGEST, description=f"a number above 0, at most {LONGEST}")
]
SecondsOrNever = Annotated[
    float, Meta(ge=0, le=LONGEST, description=f"a number, 0 or more, at most {LONGEST}")
]
StopRuns = Annotated[
    Literal["leave", "drain", "cancel"], Meta(description="leave, drain or cancel")
]
Level = Annotated[
    Literal["debug", "info", "warning", "error"],
    Meta(description="debug, info, warning or error"),
]
Layout = Annotated[Literal["auto", "json", "console"], Meta(description="auto, json or console")]

FLAGS = {"1": True, "true": True, "yes": True, "on": True}
FLAGS |= {"0": False, "false": False, "no": False, "off": False}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute for each environment variable, named like it in lower case.

    Raises :class:`SettingsError` for what would let strangers in.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    data_dir: Path = Path("data")
    store_url: str = ""
    workflows: Words = ("workflows",)
    heartbeat_seconds: Seconds = 10
    rotate_seconds: SecondsOrNever = 0
    max_runs: OneOrMore = 64
    max_queued_runs: Count = 1000
    run_timeout_seconds: Seconds = 3600
    cancel_grace_seconds: Seconds = 5
    run_memory_bytes: Count = 0
    run_processes: Count = 0
    stop_runs: StopRuns = "leave"
    reattach_seconds: Seconds = 300
    retention_seconds: Seconds = 604800
    waiting_seconds: Seconds = 300
    max_waiting_sessions: OneOrMore = 10000
    allowed_origins: Words = ()
    allowed_hosts: Words = ()
    api_keys: Words = ()
    allow_anonymous: Flag = False
    new_epoch: Flag = False
    log_level: Level = "info"
    log_format: Layout = "auto"

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "data_dir", self.data_dir.absolute())
        if self.api_keys:
            raise SettingsError("API_KEYS is set, but this version cannot check keys: unset it")
        if not self.on_loopback and not self.allow_anonymous:
            raise SettingsError(
                f"HOST={self.host} can be reached from other machines and nobody would have to"
                " prove who they are: listen on 127.0.0.1, or set ALLOW_ANONYMOUS=1 if the network"
                " keeps strangers out"
            )

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def load() -> Settings:
    """Read the environment; raises :class:`SettingsError` that names each variable at fault."""
    values: dict[str, Any] = {}
    faults = []
    for field in msgspec.structs.fields(Settings):
        name = field.name.upper()
        # The environment is the only source; an empty variable is one that is not set.
        if text := os.environ.get(name):
            try:
                values[field.name] = _read(text, field.type)
            except (KeyError, ValueError, msgspec.ValidationError):
                faults.append(f"{name}={text!r} is not {field.type.__metadata__[0].description}")
    if faults:
        raise SettingsError("; ".join(faults))
    return Settings(**values)


def _read(text: str, kind: Any) -> Any:
    if kind in (str, Path):
        return kind(text)
    if kind == Words:
        return tuple(word.strip() for word in text.split(",") if word.strip())
    word = text.strip().lower()
    return FLAGS[word] if kind == Flag else msgspec.convert(word, kind, strict=False)

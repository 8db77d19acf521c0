"""The settings: read once from the environment, checked before anything is opened."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.errors import SettingsError

Words = Annotated[tuple[str, ...], NoDecode]
#: Ten years: what is longer was meant to be never, or is a slip.
Seconds = Annotated[float, Field(gt=0, le=315_360_000)]


class Settings(BaseSettings):
    """One attribute for each environment variable, named like it in lower case."""

    # The environment is the only source; an empty variable is one that is not set.
    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    data_dir: Path = Path("data")
    store_url: str = ""
    workflows: Words = ("workflows",)
    heartbeat_seconds: Seconds = 10
    rotate_seconds: float = Field(default=0, ge=0, le=315_360_000)
    max_runs: int = Field(default=64, ge=1)
    max_queued_runs: int = Field(default=1000, ge=0)
    run_timeout_seconds: Seconds = 3600
    cancel_grace_seconds: Seconds = 5
    run_memory_bytes: int = Field(default=0, ge=0)
    run_processes: int = Field(default=0, ge=0)
    stop_runs: Literal["leave", "drain", "cancel"] = "leave"
    reattach_seconds: Seconds = 300
    retention_seconds: Seconds = 604800
    waiting_seconds: Seconds = 300
    max_waiting_sessions: int = Field(default=10000, ge=1)
    allowed_origins: Words = ()
    allowed_hosts: Words = ()
    api_keys: Words = ()
    allow_anonymous: bool = False
    new_epoch: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"

    @field_validator("workflows", "allowed_origins", "allowed_hosts", "api_keys", mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("stop_runs", "log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.absolute()

    @model_validator(mode="after")
    def _safe_to_listen(self) -> Self:
        if self.api_keys:
            raise ValueError("API_KEYS is set, but this version cannot check keys: unset it")
        if not self.on_loopback and not self.allow_anonymous:
            raise ValueError(
                f"HOST={self.host} can be reached from other machines and nobody would have to"
                " prove who they are: listen on 127.0.0.1, or set ALLOW_ANONYMOUS=1 if the network"
                " keeps strangers out"
            )
        return self

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
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            ": ".join([*(str(part).upper() for part in fault["loc"]), _message(fault["msg"])])
            for fault in error.errors()
        ]
        raise SettingsError("; ".join(faults)) from None


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")

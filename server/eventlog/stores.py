"""Which event log ``STORE_URL`` names."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from server.errors import SettingsError
from server.eventlog import EventLog, memory, sqlite
from server.settings import Settings


def open_store(settings: Settings) -> AbstractAsyncContextManager[EventLog]:
    """The log to be opened: ``memory://``, ``sqlite:///`` and a path, or nothing for the default.

    After ``sqlite:///`` comes a path relative to where the server was started; a fourth slash makes
    it absolute. Raises :class:`SettingsError` for anything else.
    """
    url = settings.store_url
    if url == "memory://":
        return memory.open()
    if not url:
        return sqlite.open(settings.data_dir / "keepstream.db", new_epoch=settings.new_epoch)
    path = url.removeprefix("sqlite:///")
    if path == url or path in ("", "/"):
        raise SettingsError(
            f"STORE_URL={url} is not a store: use memory://, sqlite:///relative/path.db or"
            " sqlite:////absolute/path.db; or leave it out for a file in DATA_DIR"
        )
    return sqlite.open(Path(path).absolute(), new_epoch=settings.new_epoch)

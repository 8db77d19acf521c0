"""Which workflows exist. The server knows them by name and schema, and imports none."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from server.errors import UnknownWorkflow
from server.runs import schema
from server.runs.discovery import modules
from server.runs.probe import Answer, Found, ask

PROBE_SECONDS = 60.0

log = structlog.get_logger()


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the list: a workflow, or under its module's name a module that did not import."""

    name: str
    description: str = ""
    schema: dict[str, Any] = msgspec.field(default_factory=dict)
    timeout: float | None = None  # seconds
    target: str = ""  # module:attribute
    error: str | None = None


class Catalogue:
    """The workflows of some packages, each itself and its direct modules."""

    def __init__(self, packages: Sequence[str], *, limit: float = PROBE_SECONDS) -> None:
        self.preload: list[str] = []  # modules that are fit for the fork server
        self._packages = packages
        self._limit = limit
        self._entries: dict[str, Entry] = {}
        self._loaded = asyncio.Event()

    async def load(self) -> None:
        """Find the modules, import each in a throwaway process, fill the table."""
        try:
            names, lost = self._discover()
            self._fill([*lost, *await ask(names, self._limit)])
        finally:
            self._loaded.set()

    async def ready(self) -> None:
        """Wait until the table is filled."""
        await self._loaded.wait()

    def listing(self) -> list[Entry]:
        """All entries by name, those with an error included."""
        return sorted(self._entries.values(), key=lambda entry: entry.name)

    def find(self, name: str) -> Entry:
        """The workflow of that name; raises :class:`UnknownWorkflow` with the reason."""
        entry = self._entries.get(name)
        if entry is None:
            raise UnknownWorkflow(f"no workflow is called {name!r}: {self._what_there_is()}")
        if entry.error is not None:
            raise UnknownWorkflow(f"workflow {name!r} cannot be run: {entry.error}")
        return entry

    @staticmethod
    def check(entry: Entry, value: dict[str, Any]) -> None:
        """Raise :class:`InvalidInput` with a path such as ``input.rounds`` unless it fits."""
        schema.check(entry.schema, value, "input")

    def _discover(self) -> tuple[list[str], list[Answer]]:
        names: dict[str, None] = {}
        lost = []
        for package in self._packages:
            try:
                names |= dict.fromkeys(modules(package))
            except (ImportError, ValueError) as error:
                lost.append(Answer(package, error=str(error)))
        return list(names), lost

    def _fill(self, answers: Sequence[Answer]) -> None:
        found = [workflow for answer in answers for workflow in answer.workflows]
        used = Counter(workflow.name for workflow in found)
        for workflow in found:
            alone = used[workflow.name] == 1
            self._entries[workflow.name] = _entry(workflow) if alone else _clash(workflow, found)
        for answer in answers:
            if answer.error is not None:
                log.warning("A module did not import", module=answer.module, error=answer.error)
                self._entries.setdefault(answer.module, Entry(answer.module, error=answer.error))
            elif answer.preloads:
                self.preload.append(answer.module)
            elif answer.workflows:
                log.info("A module is imported anew for each run", **_why_not_preloaded(answer))

    def _what_there_is(self) -> str:
        good = [entry.name for entry in self.listing() if entry.error is None]
        bad = [entry.name for entry in self.listing() if entry.error is not None]
        there_is = f"there is {', '.join(good)}" if good else "there is none"
        return there_is + (f"; with errors: {', '.join(bad)}" if bad else "")


def _why_not_preloaded(answer: Answer) -> dict[str, Any]:
    return {"module": answer.module, "threads": answer.threads, "printed": answer.printed}


def _entry(found: Found) -> Entry:
    return Entry(
        name=found.name,
        description=found.description,
        schema=found.schema,
        timeout=found.timeout,
        target=found.target,
        error=found.error,
    )


def _clash(found: Found, others: Sequence[Found]) -> Entry:
    targets = [other.target for other in others if other.name == found.name]
    error = f"the name is used {len(targets)} times: {', '.join(targets)}"
    return Entry(found.name, found.description, error=error)

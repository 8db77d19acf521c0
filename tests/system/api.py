"""A client of the HTTP API, as small as a user's own."""

import asyncio
import io
import itertools
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from tests.system.patience import PATIENCE

TERMINAL = ("complete", "error", "cancelled")


class Page(msgspec.Struct, rename={"slices": "events"}):
    """A page of `GET …/events`."""

    epoch: str
    first: int
    last: int
    state: str
    next: str
    slices: list[msgspec.Raw]
    reset: Any = None

    @property
    def events(self) -> list[bytes]:
        """The events, each as its own bytes in the answer."""
        return [bytes(each) for each in self.slices]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The `code` of an error's body, which has a message that is no traceback."""
        error = self.json["error"]
        assert error["message"], error
        assert "Traceback" not in error["message"], error
        return str(error["code"])


class Api:
    """One user's client. `http` is open for whatever this class has no word for."""

    def __init__(self, url: str) -> None:
        self.url = url
        connector = aiohttp.TCPConnector(limit=0)
        self.http = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=PATIENCE)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.close()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one call; `raw` is a body that is sent as it is, `body` one that becomes JSON."""
        data = raw if raw is not None or body is None else json.dumps(body).encode()
        sent = {**({"Content-Type": "application/json"} if data is not None else {})}
        async with self.http.request(
            method,
            self.url + path,
            data=None if data is None else io.BytesIO(data),
            headers={**sent, **(headers or {})},
        ) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())

    async def start(self, session: str, workflow: str, **given: object) -> dict[str, Any]:
        """Start a run and return the run object."""
        path = f"/api/sessions/{session}/runs"
        answer = await self.call("POST", path, {"workflow": workflow, "input": given})
        assert answer.status == 202, (answer.status, answer.body)
        return dict(answer.json)

    async def complete(self, workflow: str, **given: object) -> str:
        """Run a workflow to its end in a session of its own; return the session's id."""
        session = fresh()
        run = await self.start(session, workflow, **given)
        await self.ended(session, run["id"])
        return session

    async def run(self, run: str) -> dict[str, Any]:
        """Return the run object."""
        answer = await self.call("GET", f"/api/runs/{run}")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    async def session(self, session: str) -> dict[str, Any]:
        """Return the session object."""
        answer = await self.call("GET", f"/api/sessions/{session}")
        assert answer.status == 200, answer.body
        return dict(answer.json)

    async def page(self, session: str, **query: object) -> Page:
        """Return one page of a session's events."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        answer = await self.call("GET", f"/api/sessions/{session}/events?{asked}")
        assert answer.status == 200, (answer.status, answer.body)
        return msgspec.json.decode(answer.body, type=Page)

    async def history(self, session: str) -> list[bytes]:
        """Return all events of a session so far, each as its own bytes in the answers."""
        found: list[bytes] = []
        after = ""
        while True:
            page = await self.page(session, after=after)
            found += page.events
            after = page.next
            if not page.events:
                return found

    async def events(self, session: str) -> list[dict[str, Any]]:
        """Return all events of a session so far, decoded."""
        return [json.loads(event) for event in await self.history(session)]

    async def ended(self, session: str, run: str | None = None) -> list[dict[str, Any]]:
        """Wait until that run (or the first one) has ended; return the session's events."""
        await self.reached(session, *TERMINAL, run=run)
        return await self.events(session)

    async def reached(self, session: str, *types: str, run: str | None = None) -> dict[str, Any]:
        """Return the first event of one of these types, waiting for it."""
        after = ""
        async with asyncio.timeout(PATIENCE):
            while True:
                page = await self.page(session, after=after, wait=10)
                after = page.next
                for event in map(json.loads, page.events):
                    if event["type"] in types and run in (None, event["run"]):
                        return dict(event)


_numbers = itertools.count(1)


def fresh(word: str = "s") -> str:
    """Return a session id that nobody used."""
    return f"{word}-{next(_numbers)}-{secrets.token_hex(4)}"

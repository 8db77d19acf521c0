"""The HTTP API for a scenario: calls that are repeated until a server answers."""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp

from chaos import wire
from chaos.history import History

AGAIN = (429, 503)
INSIST_SECONDS = 120.0
LOST = (aiohttp.ClientError, OSError, TimeoutError)


class Answer(NamedTuple):
    """One answer, whole."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Api:
    """A client of one server over all its lives."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()

    def _open(self) -> None:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60)
        )

    async def release(self) -> None:
        """Close every connection that is kept for later."""
        await self._http.close()
        self._open()

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call; raises what aiohttp raises."""
        async with self._http.request(
            method, self.url + path, json=body, headers=headers
        ) as answer:
            return Answer(answer.status, await answer.read())

    async def insist(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The same, again and again while no server is there or it asks for patience."""
        async with asyncio.timeout(INSIST_SECONDS):
            while True:
                try:
                    answer = await self.call(method, path, body, headers)
                    if answer.status not in AGAIN:
                        return answer
                except LOST:
                    pass
                await asyncio.sleep(0.05)

    async def get(self, path: str) -> Any:
        """What is at ``path``; raises RuntimeError where the answer is no 200."""
        answer = await self.insist("GET", path)
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {answer.body!r}")
        return answer.json

    async def run(self, run: str) -> Any:
        """A run object."""
        return await self.get(f"/api/runs/{run}")

    async def session(self, session: str) -> Any:
        """A session object."""
        return await self.get(f"/api/sessions/{session}")

    async def last(self, session: str) -> int:
        """The end of a session's log; 0 for one that was only waited for, and is forgotten."""
        answer = await self.insist("GET", f"/api/sessions/{session}")
        return int(answer.json["last"]) if answer.status == 200 else 0

    async def history(self, session: str) -> History:
        """All that the log of a session has; a session that nobody knows has nothing."""
        history, after = History(), ""
        while True:
            path = f"/api/sessions/{session}/events?limit=1000&after={after}"
            answer = await self.insist("GET", path)
            if answer.status == 404:
                return history
            page = wire.PAGE.decode(answer.body)
            history.epoch = page.epoch
            for event in page.events:
                history.add(bytes(event))
            after = page.next
            if not page.events:
                return history

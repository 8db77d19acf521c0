"""Processes of their own for what cannot be done to the test's: ``python -m … NAME DATABASE``."""

import asyncio
import itertools
import json
import resource
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec

from server.errors import StoreUnavailable
from server.eventlog import EventLog, sqlite
from server.events import Draft, server_draft
from server.records import SessionRecord
from tests.eventlog.conftest import restless
from tests.eventlog.making import offsets, run, unnumbered, whole


def say(*words: object) -> None:
    """One line to the test, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def numbered(n: int) -> Draft:
    """A draft that tells its own number."""
    return msgspec.structs.replace(
        server_draft("agent_delta", "r_1", {"n": n, "text": "x" * (n * 37 % 3000)}), n=n
    )


def numbers(log: list[bytes]) -> list[int]:
    """What :func:`numbered` put into the lines of ``log``."""
    return [json.loads(line)["data"]["n"] for line in log]


async def _append_for_ever(events: EventLog, name: str) -> None:
    """Go on where the log ends, always repeating a little; the record says how far it is."""
    session = SessionRecord(id=name)
    last = max(numbers([event.line for event in await whole(events, name)]), default=0)
    while True:
        drafts = [numbered(n) for n in range(max(1, last - 2), last + 4)]
        last += 3
        record = run(f"r_{name}", name, pid=last)
        await events.append(session, drafts, producer=f"r_{name}", record=record)
        say(name, last)


async def chatty(path: Path) -> None:
    """Append to four sessions until killed, saying what is acknowledged."""
    async with restless(path) as events:
        await asyncio.gather(*(_append_for_ever(events, f"s{number}") for number in range(4)))


async def on_a_small_disk(path: Path) -> None:
    """Append until nothing fits, then give it room again."""
    async with sqlite.open(path, journal_bytes=20_000) as events:
        session = SessionRecord(id="s1")
        log = await events.append(session, unnumbered(1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        try:
            while len(log) < 10_000:
                log = [*log, *await events.append(session, unnumbered(20))]
        except StoreUnavailable as error:
            say("failed", error)
        waiting = [events.append(session, unnumbered(20)) for _ in range(3)]
        heard = await asyncio.gather(*waiting, return_exceptions=True)
        say("refused", all(isinstance(each, StoreUnavailable) for each in heard))
        say("kept" if await whole(events, "s1") == log else "lost")
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        while events.health().reasons:
            await asyncio.sleep(0.01)
        say("again", offsets(await events.append(session, unnumbered(1))) == [len(log) + 1])


async def stubborn(path: Path) -> None:
    """Append one event after the other, saying which were kept, until stdin ends."""
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    async with sqlite.open(path) as events:
        for number in itertools.count():
            if ended.done():
                return
            try:
                await events.append(SessionRecord(id="s1"), unnumbered(1, f"e{number}"))
            except StoreUnavailable:
                say("refused", f"e{number}")
                await asyncio.sleep(0.02)
            else:
                say("kept", f"e{number}")


CHILDREN: dict[str, Callable[[Path], Coroutine[None, None, None]]] = {
    "chatty": chatty,
    "on_a_small_disk": on_a_small_disk,
    "stubborn": stubborn,
}

if __name__ == "__main__":
    asyncio.run(CHILDREN[sys.argv[1]](Path(sys.argv[2])))

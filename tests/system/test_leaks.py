"""A thousand runs later, descriptors and processes are what they were."""

import asyncio
from collections import Counter

import pytest

from tests.system.api import Api, fresh
from tests.system.patience import eventually
from tests.system.processes import StartServer, descendants, descriptors
from tests.system.readers import Reader, follow
from tests.system.transports import TRANSPORTS

RUNS, AT_ONCE = 1000, 8
ENDS = ("silent", "prints", "raises", "exits_0", "forks_a_grandchild")


async def run_many(api: Api, runs: int) -> None:
    """Start and follow so many runs, some at once, with every kind of end and transport."""

    async def one_after_another(first: int) -> None:
        for i in range(first, runs, AT_ONCE):
            reader = Reader(fresh())
            await api.start(reader.session, ENDS[i // AT_ONCE % len(ENDS)])
            await follow(reader, api.http, api.url, TRANSPORTS[i % len(TRANSPORTS)])
            assert reader.offset >= 2

    await asyncio.gather(*(one_after_another(i) for i in range(AT_ONCE)))


def held(pid: int) -> Counter[str]:
    """Return what kinds of descriptors the server and its helpers hold, and how many processes."""
    processes = [pid, *descendants(pid)]
    kinds = Counter(
        "socket" if target.startswith("socket:") else target.partition(":")[0]
        for each in processes
        for target in descriptors(each)
    )
    return kinds + Counter(processes=len(processes))


@pytest.mark.slow(50)
async def test_thousand_runs_leave_nothing(start_server: StartServer) -> None:
    """Neither the server nor its fork server keeps a descriptor or a process of an ended run."""
    server = start_server()

    async def settled() -> Counter[str]:
        async with Api(server.url) as api:
            await run_many(api, 3 * AT_ONCE)

        async def idle() -> bool:
            first = held(server.pid)
            await asyncio.sleep(0.3)
            return first == held(server.pid)

        await eventually(idle, "a server that is at rest")
        return held(server.pid)

    before = await settled()
    async with Api(server.url) as api:
        await run_many(api, RUNS)

    async def back() -> bool:
        return not held(server.pid) - before

    await eventually(back, f"the baseline {before}; it holds {held(server.pid)}")

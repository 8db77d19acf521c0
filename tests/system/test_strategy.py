"""The real workflow on a real server: one stream for everybody, and true numbers at its end."""

import asyncio
import json

import pytest

from tests.system.api import Api, fresh
from tests.system.readers import Reader, follow
from tests.system.transports import TRANSPORTS
from tests.workflows import strategy_naive as naive
from tests.workflows.test_strategy_run import recompute


async def test_all_transports_read_the_same_bytes_and_true_figures(api: Api) -> None:
    """Three transports read the bytes of the history; the figures follow from the prices."""
    session = fresh()
    readers = [Reader(session) for _ in TRANSPORTS]
    following = [
        asyncio.create_task(follow(reader, api.http, api.url, transport))
        for reader, transport in zip(readers, TRANSPORTS, strict=True)
    ]
    await api.start(session, "strategy", pace=0, rounds=2)
    await asyncio.gather(*following)
    history = await api.history(session)
    assert len(history) > 200
    for reader in readers:
        assert reader.events == history

    last = json.loads(history[-1])
    assert last["type"] == "complete", last
    result = last["data"]["result"]
    for kind, equity, trades in recompute(result, "held_out"):
        reported = result["figures"]["held_out"][kind]
        for name, value in naive.figures(equity).items():
            assert reported[name] == pytest.approx(value, rel=1e-6), (kind, name)
        assert reported["trades"] == trades

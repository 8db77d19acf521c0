"""The browser client without a browser: in Node, with the same promises."""

import asyncio
import json
from typing import Any

import pytest

from chaos.network import BadNetwork, cutting
from tests.browser.following import STATIC, TRANSPORTS, node
from tests.system.api import Api, fresh
from tests.system.processes import Server

CLIENT = STATIC / "keepstream.js"
over_each = pytest.mark.parametrize("transport", TRANSPORTS)


async def run(how: str, url: str, **options: Any) -> Any:
    """Run one of the ways of ``follow.mjs``."""
    return await node("follow.mjs", CLIENT, how, url, json.dumps(options))


@over_each
@pytest.mark.parametrize("how", ["callbacks", "loop"])
async def test_follows_from_before_the_run_to_the_end(
    server: Server, api: Api, transport: str, how: str
) -> None:
    """Callbacks and loops get every event once, in order, and the process ends by itself."""
    session = fresh()
    url = f"{server.url}/api/sessions/{session}"
    following = asyncio.create_task(run(how, url, transports=[transport]))
    await api.start(session, "count", n=300)
    told = await following
    assert told["offsets"] == list(range(1, 303))
    assert told["state"]["name"] == "ended"
    assert set(told["transports"]) == {transport}


@over_each
async def test_a_loop_that_is_left_goes_on_with_its_cursor(
    server: Server, api: Api, transport: str
) -> None:
    """`break` closes the stream, and its cursor includes the last event that the loop took."""
    session = await api.complete("count", n=20)
    url = f"{server.url}/api/sessions/{session}"
    told = await run("twice", url, transports=[transport])
    assert told["offsets"] == list(range(1, 23))
    assert told["first"]["name"] in ("closed", "ended")  # all may have come before it was left
    assert told["counts"]["events"] == 3


@over_each
async def test_a_loop_throws_what_the_server_refuses(server: Server, transport: str) -> None:
    """The words of the error are the server's, and its reason is a name."""
    url = f"{server.url}/api/sessions/{fresh()}"
    threw = (await run("loop", url, transports=[transport], after="garbage"))["threw"]
    assert (threw["name"], threw["reason"]) == ("StopError", "bad_request")
    assert "garbage" in threw["message"]


@over_each
async def test_cuts_cost_nothing(server: Server, api: Api, transport: str) -> None:
    """Through a network that lets nothing large pass a loop gets all, once and in order."""
    session = fresh()
    await api.start(session, "count", n=150)
    async with BadNetwork(server.port, cutting(10_000), seed=7) as network:
        url = f"{network.url}/api/sessions/{session}"
        told = await run("loop", url, transports=[transport], buffer=50)
        assert network.cuts
    assert told["offsets"] == list(range(1, 153))
    assert told["counts"]["gaps"] == 0


async def test_an_address_that_is_not_absolute_is_refused() -> None:
    """Without a page nothing says which server is meant."""
    with pytest.raises(AssertionError, match="Invalid URL"):
        await run("loop", "/api/sessions/a")

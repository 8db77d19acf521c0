"""Who may ask at all: Origin and Host, before anything else happens."""

import asyncio

import aiohttp
import pytest
import yarl

from tests.system.api import Api, fresh
from tests.system.processes import Server, StartServer

FOREIGN = [
    "http://evil.example", "null", "http://127.0.0.1",
    "http://127.0.0.1:{port}.evil.example", "http://evil.example/127.0.0.1:{port}",
    "http://127.0.0.1:1{port}", "http://127.0.0.1:{port}@evil.example", "http://localhost:{port}",
    "http://127.0.0.1.evil.example:{port}", "file://", "127.0.0.1:{port}", "",
]  # fmt: skip
STRANGE_HOSTS = [
    "evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "10.0.0.1:{port}",
    "localhost.evil.example", "0x7f000001:{port}",
]  # fmt: skip
CALLS = [
    ("GET", "/api/sessions"), ("POST", "/api/runs"), ("GET", "/api/sessions/x/sse"),
    ("GET", "/api/sessions/x/ws"), ("GET", "/api/sessions/x/events?wait=1"), ("GET", "/"),
    ("GET", "/api/ws"),
]  # fmt: skip


async def upgrade(server: Server, path: str, *headers: str) -> int:
    """Ask for a WebSocket by hand and return the status of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = [
        f"GET {path} HTTP/1.1",
        *headers,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(30):
        status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(status.split()[1])


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_origin_is_403(server: Server, api: Api, origin: str) -> None:
    """A page of another origin reaches nothing: no call, no stream, and no upgrade."""
    header = origin.format(port=server.port)
    for method, path in CALLS:
        answer = await api.call(method, path, headers={"Origin": header})
        assert answer.status == 403, (method, path, header)
        assert answer.code
    host = f"Host: 127.0.0.1:{server.port}"
    for path in (f"/api/sessions/{fresh()}/ws", "/api/ws"):
        assert await upgrade(server, path, host, f"Origin: {header}") == 403


async def test_own_origin_is_welcome(server: Server, api: Api) -> None:
    """A page of this server names its own host and port, by whichever loopback name."""
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{server.port}"
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert (await api.call("GET", "/api/sessions", headers=headers)).status == 200
        lines = [f"{key}: {value}" for key, value in headers.items()]
        assert await upgrade(server, f"/api/sessions/{fresh()}/ws", *lines) == 101


@pytest.mark.parametrize("host", STRANGE_HOSTS)
async def test_strange_host_is_403(server: Server, api: Api, host: str) -> None:
    """On loopback a name that isn't a loopback name is somebody's rebinding of one."""
    header = host.format(port=server.port)
    for method, path in CALLS:
        answer = await api.call(method, path, headers={"Host": header})
        assert answer.status == 403, (method, path)
    assert await upgrade(server, f"/api/sessions/{fresh()}/ws", f"Host: {header}") == 403


async def test_allowed_origins_and_hosts(start_server: StartServer) -> None:
    """What the operator allows is allowed, and only that."""
    server = start_server(
        ALLOWED_ORIGINS="https://desk.example,https://b.example:8443",
        ALLOWED_HOSTS="keep.example",
    )
    async with Api(server.url) as api:
        for origin, status in (
            ("https://desk.example", 200),
            ("https://b.example:8443", 200),
            ("http://desk.example", 403),
            ("https://b.example", 403),
            ("https://sub.desk.example", 403),
        ):
            answer = await api.call("GET", "/api/sessions", headers={"Origin": origin})
            assert answer.status == status, origin
        allowed = await api.call("GET", "/api/sessions", headers={"Host": "keep.example"})
        other = await api.call("GET", "/api/sessions", headers={"Host": "other.example"})
        assert (allowed.status, other.status) == (200, 403)


@pytest.mark.parametrize(
    "path",
    [
        "a.b/ws",
        "a%20b/ws",
        "x/ws?after=garbage",
        "x/ws?until=never",
        "x/ws?after=-1",
        "x/ws?frames=some",
    ],
)
async def test_other_refusals_come_after_the_upgrade(api: Api, path: str) -> None:
    """A browser can read a close code and no status: every other refusal is one."""
    url = yarl.URL(f"{api.url}/api/sessions/{path}", encoded=True)
    async with api.http.ws_connect(url) as socket:
        message = await socket.receive(timeout=30)
        while message.type is aiohttp.WSMsgType.TEXT:
            message = await socket.receive(timeout=30)
        assert socket.close_code == 4400


async def test_plain_get_of_a_websocket(api: Api) -> None:
    """A request that is no upgrade is told so, as an error."""
    answer = await api.call("GET", f"/api/sessions/{fresh()}/ws")
    assert 400 <= answer.status < 500
    assert answer.code


async def test_compression_is_not_negotiated(server: Server) -> None:
    """An offer of permessage-deflate is left alone."""
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{server.url}/api/sessions/{fresh()}/ws", compress=15) as socket,
    ):
        assert socket.compress == 0

"""Who may ask: every spelling of an Origin and a Host that somebody might try."""

import ipaddress
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.errors import Forbidden
from server.settings import Settings
from server.web.guard import check_host, check_origin
from server.web.routes import application

MANY = settings(max_examples=1500, deadline=None, derandomize=True, database=None)

NAMES = ["localhost", "127.0.0.1", "[::1]", "keep.example", "a.b-c.example", "10.0.0.7"]
PORTS = ["", ":80", ":443", ":8080", ":65535"]
hosts = st.builds("".join, st.tuples(st.sampled_from(NAMES), st.sampled_from(PORTS)))

#: What somebody puts around or into a name so that a careless reader takes it for another.
JUNK = [
    "evil.example", "evil.example.", ".evil.example", "-evil", "evil", "evil.example@", "@",
    "@evil.example", "u:p@", ":", ":1", ":99999", "0", "/", "//", "/evil", "?", "?x", "#", "#x",
    "\\", "%00", "%2e", "%40", "\x00", "\t", "\n", "\r\n", " ", ",", ";", ".", "..", "[", "]",
    "null", "http://", "https://", "file://", "ws://", "\u212a", "\u3002", "\uff0e", "\u24db",
]  # fmt: skip
junk = st.one_of(st.sampled_from(JUNK), st.text(max_size=3))


@st.composite
def bent(draw: st.DrawFn, straight: st.SearchStrategy[str]) -> str:
    """A good text, with junk at one or two places, cut, or in another case."""
    text = draw(straight)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(junk) + text[at + draw(st.integers(0, 2)) :]
    return draw(st.sampled_from([text, text, text.upper(), text.swapcase()]))


# -- Origin

DEFAULTS = {"http://": ":80", "https://": ":443"}


def _own(host: str) -> set[str]:
    """Every origin that names ``host``: written out, by RFC 6454 and the ports of the schemes."""
    found = set()
    for scheme, default in DEFAULTS.items():
        found.add(scheme + host)
        if host.endswith(default):
            found.add(scheme + host.removesuffix(default))
        elif host.rpartition("]")[2].find(":") < 0:
            found.add(scheme + host + default)
    return found


def _origin_passes(origin: str | None, host: str, *allowed: str) -> bool:
    try:
        check_origin(origin, host, allowed)
    except Forbidden as refusal:
        assert refusal.status == 403
        return False
    return True


@MANY
@given(host=hosts, data=st.data())
def test_only_its_own_origin_passes(host: str, data: st.DataObject) -> None:
    """An origin passes exactly when it is one that names the request's own host and port."""
    origin = data.draw(bent(st.sampled_from(sorted(_own(host)))))
    scheme, slashes, rest = origin.partition("://")
    is_own = origin.isascii() and scheme + slashes + rest.lower() in _own(host)
    assert _origin_passes(origin, host) == is_own


@MANY
@given(host=hosts, other=hosts, scheme=st.sampled_from([*DEFAULTS, "ws://", "wss://", "file://"]))
def test_another_host_or_port_is_foreign(host: str, other: str, scheme: str) -> None:
    """The same name at another port, and another name, are as foreign as any."""
    assert _origin_passes(scheme + other, host) == (scheme + other in _own(host))


@MANY
@given(origin=bent(st.sampled_from(["https://app.example", "null", "http://a.example:81"])))
def test_an_allowed_origin_passes_as_it_is_written(origin: str) -> None:
    """ALLOWED_ORIGINS names whole origins: no other spelling, part or extension of one passes."""
    assert _origin_passes(origin, "keep.example", "https://app.example") == (
        origin == "https://app.example"
    )


@pytest.mark.parametrize("origin", ["null", "", "http://", "https://", "file://", "about:blank"])
@pytest.mark.parametrize("host", [*NAMES, "", "null", ":80"])
def test_an_origin_that_names_nobody_is_foreign(origin: str, host: str) -> None:
    """A sandboxed frame, a file and an empty name are not this server, whatever its host."""
    assert not _origin_passes(origin, host)


def test_no_origin_passes() -> None:
    """Who is no browser's page sends none, and needs none."""
    assert _origin_passes(None, "keep.example")


# -- Host

LOOPBACK = ["localhost", "127.0.0.1", "127.8.9.10", "[::1]"]


def _host_passes(host: str, *allowed: str) -> bool:
    try:
        check_host(host, allowed)
    except Forbidden as refusal:
        assert refusal.status == 403
        return False
    return True


def _split(host: str) -> tuple[str, bool]:
    """A Host's name in lower case, and whether nothing but a port follows it."""
    match = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*)(:[0-9]{1,5})?", host, re.ASCII | re.DOTALL)
    return (match[1].lower(), host.isascii()) if match else ("", False)


def _names_loopback(host: str) -> bool:
    """Whether it is a loopback name, and nothing more than that name and a port."""
    name, plain = _split(host)
    if re.fullmatch(r"[0-9.]+|\[[0-9a-f:.]+\]", name) is None:
        return plain and name == "localhost"
    try:
        return plain and ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


loopback = st.builds("".join, st.tuples(st.sampled_from(LOOPBACK), st.sampled_from(PORTS)))


@MANY
@given(host=bent(loopback))
@example("evil.example@127.0.0.1")
@example("127.0.0.1:80@evil.example")
@example("localhost/evil.example")
@example("evil.example\\@localhost")
@example("[::1]evil.example")
@example("evil.example[::1]")
@example("local\thost")
@example("localhost\n")
@example("localhost:port")
@example("127.0.0.1:80:90")
def test_only_a_loopback_name_passes(host: str) -> None:
    """On loopback a Host passes exactly when it is a loopback name, with or without a port."""
    assert _host_passes(host) == _names_loopback(host)


@pytest.mark.parametrize(
    "name",
    ["evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io", "localhost.evil.example",
     "localtest.me", "evil-localhost", "0.0.0.0", "[::]", "10.0.0.7", "[fe80::1]", "2130706433",
     "0x7f000001", "0177.0.0.1", "127.1", "", "null", "169.254.169.254"],
)  # fmt: skip
@pytest.mark.parametrize("port", ["", ":8080"])
def test_a_rebound_name_is_refused(name: str, port: str) -> None:
    """A name that merely resolves to loopback, or only looks like it, is not served."""
    assert not _host_passes(name + port)
    assert not _host_passes(name + port, "proxy.example")


@MANY
@given(host=bent(st.sampled_from(["proxy.example", "proxy.example:8080"])))
def test_an_allowed_host_passes_with_any_port(host: str) -> None:
    """ALLOWED_HOSTS names hosts: with or without a port, and nothing around them."""
    assert _host_passes(host, "proxy.example") == (_split(host) == ("proxy.example", True))


# -- in front of the routes


@pytest.fixture
async def guarded(aiohttp_client: Any) -> Any:
    """A client of the routes alone: what the guard refuses or answers goes no further."""
    return await aiohttp_client(application(Settings(allowed_origins=("https://app.example",))))


PREFLIGHT = {"Access-Control-Request-Method": "DELETE"}


async def test_preflight_of_an_allowed_origin(guarded: Any) -> None:
    """A browser may ask in advance for a page that is allowed by name, and for no other."""
    for path in ("/api/sessions", "/api/runs/r/cancel", "/nothing/here"):
        headers = {"Origin": "https://app.example", **PREFLIGHT}
        async with guarded.options(path, headers=headers) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
            assert answer.headers["Vary"] == "Origin"
            assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
        headers["Origin"] = "https://evil.example"
        async with guarded.options(path, headers=headers) as answer:
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_every_answer_has_its_headers(guarded: Any) -> None:
    """Every answer, refusals too, tells the browser to run nothing that is not served here."""
    for origin, path, status in (
        (None, "/health/live", 200),
        (None, "/nothing/here", 404),
        ("https://evil.example", "/", 403),
    ):
        headers = {"Origin": origin} if origin else {}
        async with guarded.get(path, headers=headers) as answer:
            assert answer.status == status
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_the_guard_comes_first(guarded: Any) -> None:
    """A stranger learns nothing: not which addresses exist, not what a body would have to be."""
    headers = {"Origin": "https://evil.example"}
    for method in ("GET", "POST", "DELETE", "PUT", "OPTIONS"):
        for path in ("/api/sessions", "/nothing/here", "/static/page.js", "/api/sessions/!/ws"):
            async with guarded.request(method, path, headers=headers, data=b"{") as answer:
                assert answer.status == 403, (method, path)
                assert (await answer.json())["error"]["code"] == "forbidden"

"""The page, and its files.

They are more than a hundred, and none is bundled: there is no build. A browser that asked anew for
each of them would wait for a hundred answers, six at a time. So the page names them by a version,
under which they may be kept for good; who embeds ``/static/keepstream.js`` asks each time.
"""

import asyncio
import contextlib
import hashlib
from pathlib import Path

from aiohttp import hdrs, web

from server.errors import NotFound

STATIC = Path(__file__).resolve().parent / "static"
#: Where the page's files are, under a version; for `add_route`.
VERSIONED = "/static/{version:v[0-9a-f]{16}}/{path:.+}"
FOR_GOOD = "public, max-age=31536000, immutable"

_handed_out: set[str] = set()


async def page(_: web.Request) -> web.Response:
    """``GET /``: with the names of the present version in it."""
    text = await asyncio.to_thread(_page)
    return web.Response(text=text, content_type="text/html")


def _page() -> str:
    version = _version()
    _handed_out.add(version)
    text = (STATIC / "index.html").read_text()
    text = text.replace("</head>", f"{_preloads()}</head>")
    return text.replace("static/", f"static/{version}/")


async def versioned(request: web.Request) -> web.StreamResponse:
    """One of the page's files. Under the name of another server's version it is not to be kept.

    A page that was opened before a deploy goes on asking by the old name.
    """
    answer = web.FileResponse(_file(request.match_info["path"]))
    if request.match_info["version"] in _handed_out:
        answer.headers[hdrs.CACHE_CONTROL] = FOR_GOOD
    return answer


def _file(name: str) -> Path:
    with contextlib.suppress(OSError, ValueError):  # a name that no file can have
        path = (STATIC / name).resolve()
        if path.is_relative_to(STATIC) and path.is_file():
            return path
    raise NotFound("the page has no such file")


def _version() -> str:
    """Another one whenever a file is another one."""
    known = hashlib.sha256()
    for path in sorted(STATIC.rglob("*.*")):
        about = path.stat()
        known.update(f"{path} {about.st_mtime_ns} {about.st_size}\n".encode())
    return f"v{known.hexdigest()[:16]}"


def _preloads() -> str:
    """All modules at once, not one after the other as they import each other."""
    modules = sorted((STATIC / "page").rglob("*.js")) + sorted((STATIC / "client").glob("*.js"))
    return "".join(
        f'  <link rel="modulepreload" href="static/{path.relative_to(STATIC)}">\n'
        for path in modules
    )

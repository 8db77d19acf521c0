"""The page's files: named by a version, kept for good, and never another server's."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, expect
from yarl import URL

from tests.browser.chromium import needs_chromium, tab
from tests.browser.following import STATIC
from tests.system.processes import Server

FOR_GOOD = "public, max-age=31536000, immutable"


async def test_every_file_that_the_page_names_may_be_kept(server: Server) -> None:
    """All have a version in their address, are there, and are what they are in the source."""
    async with aiohttp.ClientSession(server.url) as client:
        text = await (await client.get("/")).text()
        names = re.findall(r'(?:src|href)="(static/[^"]+)"', text)
        assert len({name.split("/")[1] for name in names}) == 1
        for name in names:
            async with client.get(f"/{name}") as answer:
                assert answer.status == 200, name
                assert answer.headers["Cache-Control"] == FOR_GOOD
                source = STATIC / name.split("/", 2)[2]
                assert await answer.read() == source.read_bytes()
    modules = {path for folder in ("page", "client") for path in (STATIC / folder).rglob("*.js")}
    assert modules <= {STATIC / name.split("/", 2)[2] for name in names}


async def test_who_embeds_the_client_asks_each_time(server: Server) -> None:
    """Under the address of the documents a file may change with the server."""
    async with (
        aiohttp.ClientSession(server.url) as client,
        client.get("/static/keepstream.js") as answer,
    ):
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("page/artifacts/artifact.js", 200),
        ("page/nothing.js", 404),
        ("page", 404),
        ("..%2fpage.py", 404),
        ("page/..%2f..%2f..%2fpage.py", 404),
        ("%2fetc/passwd", 404),
        ("page/%00.js", 404),
        (f"page/{'x' * 300}.js", 404),
    ],
)
async def test_a_page_from_before_a_deploy_still_finds_its_files(
    server: Server, path: str, status: int
) -> None:
    """Another version's name leads to the present file, not to be kept; and nowhere else."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(URL(f"{server.url}/static/v0123456789abcdef/{path}", encoded=True)) as answer,
    ):
        assert answer.status == status
        assert answer.headers["Cache-Control"] == "no-cache"


async def test_the_project_may_stand_behind_a_link(tmp_path: Path) -> None:
    """A server that is started in a folder that is a link serves the page as any other."""
    link = tmp_path / "project"
    link.symlink_to(STATIC.parents[2])
    program = "from server.web.page import STATIC; print(STATIC)"
    told = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=link, env={"PYTHONPATH": str(link)}, stdout=PIPE
    )
    out, _ = await told.communicate()
    assert Path(out.decode().strip()) == STATIC.resolve()


@needs_chromium
async def test_a_second_visit_loads_no_file(browser: Browser, server: Server) -> None:
    """The browser has them all."""
    async with tab(browser) as page:
        for _ in range(2):
            await page.goto(f"{server.url}/")
            await expect(page.locator("start-form input[name=workflow]").first).to_be_attached()
        loaded = await page.evaluate(
            "performance.getEntriesByType('resource').filter(({ name, transferSize }) =>"
            " name.includes('/static/') && transferSize > 0).map(({ name }) => name)"
        )
    assert loaded == []

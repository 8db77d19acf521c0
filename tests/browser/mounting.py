"""A part of the page by itself, on a real server's origin and under its Content-Security-Policy."""

from playwright.async_api import Page, Route

from server.web.guard import POLICY

STYLES = ("tokens", "base", "start", "questions", "sessions")


async def mount(page: Page, url: str, tag: str, module: str) -> None:
    """Open a page with one element, `part`; what it fires is kept in `fired`."""

    async def serve(route: Route) -> None:
        headers = {"Content-Type": "text/html", "Content-Security-Policy": POLICY}
        await route.fulfill(body=_document(tag), headers=headers)

    await page.route("**/part.html*", serve)
    await page.goto(f"{url}/part.html")
    await page.evaluate(
        "async (module) => {"
        " globalThis.fired = [];"
        " const names = ['start', 'answer', 'open', 'new', 'deleted'];"
        " for (const name of names) document.addEventListener(name, (told) =>"
        "  fired.push({ name, ...told.detail }));"
        " await import(module);"
        " globalThis.part = document.querySelector('#part'); }",
        module,
    )


def _document(tag: str) -> str:
    links = "".join(f'<link rel="stylesheet" href="/static/style/{each}.css">' for each in STYLES)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Part</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{links}</head><body><main><{tag} id="part"></{tag}></main></body></html>'
    )

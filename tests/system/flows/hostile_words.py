"""A workflow whose every word tries to become code in whoever shows it."""

import base64
from collections.abc import Iterator
from itertools import cycle, product
from typing import Any
from urllib.parse import quote

from workflows import Context, workflow

#: Each calls `owned`, or fetches from a host that is nobody's (RFC 2606).
VECTORS = (
    "<script>owned()</script>",
    "<img src=x onerror=owned()>",
    "<svg/onload=owned()>",
    "<svg><script>owned()</script></svg>",
    "<iframe srcdoc='<script>parent.owned()</script>'></iframe>",
    "<iframe src=javascript:parent.owned()></iframe>",
    "<a href=javascript:owned() autofocus onfocus=owned()>x</a>",
    "<details open ontoggle=owned()><summary>x</summary></details>",
    "<body onload=owned()>",
    "<input autofocus onfocus=owned()>",
    "<video><source onerror=owned()></video>",
    "<audio src=x onerror=owned()></audio>",
    "<math><mtext><style><img src=x onerror=owned()></style></mtext></math>",
    "<style>@import url(//evil.invalid/x.css);*{background:url(//evil.invalid/x)}</style>",
    "<object data=javascript:owned()></object>",
    "<embed src=javascript:owned()>",
    "<form action=javascript:owned()><button autofocus>x</button></form>",
    "<base href=//evil.invalid/>",
    "<link rel=stylesheet href=//evil.invalid/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:owned()'>",
    "<template><script>owned()</script></template>",
    "<custom-element onclick=owned()></custom-element>",
    "<marquee onstart=owned()>x</marquee>",
    "<img srcset='//evil.invalid/x 1x'>",
    "<p style=\"background:url('//evil.invalid/x')\" onmouseover=owned()>x</p>",
    "javascript:owned()",
    "data:text/html,<script>owned()</script>",
    "{{constructor.constructor('owned()')()}}",
    "${owned()}",
    "');owned();//",
)
WRAPPERS = (
    "{}",
    '"{}',
    "'>{}",
    '">{}',
    "-->{}",
    "]]>{}",
    "</textarea>{}",
    "</title>{}",
    "</script>{}",
    "</style>{}",
    "</svg>{}",
    "\u202e{}\u202c",
    "\u2028{}\u2029",
    "a\x00b{}",
)
FORMS = (
    lambda text: text,
    str.upper,
    str.title,
    lambda text: text.replace(" ", "\t"),
    lambda text: text.replace(" ", "/"),
    lambda text: text.replace("<", "<\n"),
    lambda text: text.replace("<", "&lt;").replace(">", "&gt;"),
    lambda text: text.replace("<", "&#60;"),
    lambda text: text.replace("<", "\\u003c"),
    lambda text: text.replace("<", "＜"),
    quote,
    lambda text: text * 2,
)
MEDIA = (
    "text/html",
    "image/svg+xml",
    "text/csv",
    "application/json",
    "text/markdown",
    "text/x-python",
    "text/x-diff",
    "application/xhtml+xml",
    "text/plain; charset=<script>owned()</script>",
    "image/png",
)


def payloads(count: int) -> Iterator[str]:
    """`count` different texts."""
    every = product(FORMS, WRAPPERS, VECTORS)
    for _, (form, wrapper, vector) in zip(range(count), every, strict=False):
        yield wrapper.format(form(vector))


@workflow
def hostile_words(ctx: Context, n: int = 5000) -> dict[str, Any]:
    """Says n hostile texts in every field that there is, one or two an event."""
    texts = payloads(n)
    ways = cycle((_said, _called, _handed, _made, _own, _kept, _printed, _worked))
    for way, text in zip(ways, texts, strict=False):
        way(ctx, text)
    ctx.emit("own", {text: {text: [text]} for text in payloads(20)})
    return {text: text for text in payloads(20)}


def _said(ctx: Context, text: str) -> None:
    with ctx.agent(text[:60].replace("\x00", "") or "agent", task=text) as agent:
        agent.delta(text, message=text[:40])
        agent.message(text)
        agent.output = {text: text}


def _called(ctx: Context, text: str) -> None:
    with ctx.agent("Caller") as agent:
        agent.tool_result(agent.tool_call(text, {text: text}), error=text)


def _handed(ctx: Context, text: str) -> None:
    with ctx.agent("Giver") as agent:
        agent.handoff(text, task=text)


_media = cycle(MEDIA)


def _made(ctx: Context, text: str) -> None:
    media = next(_media)
    if media == "image/png":
        ctx.artifact(text, media, data=base64.b64encode(text.encode()))
        return
    wrapped = {
        "image/svg+xml": f'<svg xmlns="http://www.w3.org/2000/svg" onload="owned()">{text}</svg>',
        "application/json": f'{{"__proto__": {{"owned": true}}, "text": {text!r}}}',
        "text/csv": f'name,value\n=cmd|"/c calc"!A1,1\n"{text}",2\n',
    }
    ctx.artifact(text, media, text=wrapped.get(media, text))


def _own(ctx: Context, text: str) -> None:
    ctx.emit("own", {"__proto__": text, "constructor": [text], text: None})


def _kept(ctx: Context, text: str) -> None:
    ctx.progress(1, 2, text)


def _printed(_: Context, text: str) -> None:
    print(text)


def _worked(ctx: Context, text: str) -> None:
    ctx.emit("agent_start", {"task": text, "parent": text}, agent=text[:60])

"""Children die, in every way that there is."""

import asyncio
import os
import signal
import time

from chaos.arena import Arena, together
from chaos.history import TERMINAL
from chaos.scenario import scenario
from chaos.verdict import Expected

AT_ONCE = 6
GRACE = 0.5
TIMEOUT = 0.5  # of the workflow `overstays`

CRASHED, RAISED = {"error:workflow_crashed"}, {"error:workflow_error"}
BY_ITSELF = {
    "returns": {"complete"},
    "raises": RAISED,
    "exits_0": CRASHED,
    "exits_3": CRASHED,
    "exits_3_in_a_thread": CRASHED,
    "leaves": RAISED,
    "leaves_a_thread": {"complete"},
    "segfaults": CRASHED,
    "aborts": CRASHED,
    "is_killed": CRASHED,
    "is_terminated": CRASHED,
    "becomes_another": CRASHED,
    "closes_everything": CRASHED,
    "wants_all_memory": RAISED,
    "recurses": RAISED,
    "returns_no_json": RAISED,
    "returns_too_much": {"error:limit_exceeded"},
    "forks": {"complete"},
}
UNRESPONSIVE = {"error:workflow_unresponsive"}
#: What it ends in when it is cancelled, and how long it may take for it.
WHEN_CANCELLED = {
    "listens": ({"cancelled"}, 0.0),
    "finishes_anyway": ({"complete"}, 0.0),
    "swallows": (UNRESPONSIVE, GRACE),
    "spins": (UNRESPONSIVE, GRACE),
    "stops_itself": (UNRESPONSIVE, GRACE),
}
KINDS = [*BY_ITSELF, *WHEN_CANCELLED, "overstays", "killed_from_outside"]


@scenario("child-deaths", size=2000, ci=50, unit="deaths")
async def child_deaths(arena: Arena) -> None:
    """Children end in every way, each must have one right terminal event, soon."""
    await arena.serve(CANCEL_GRACE_SECONDS=GRACE, MAX_RUNS=AT_ONCE)
    kinds = [KINDS[number % len(KINDS)] for number in range(arena.size)]
    arena.dice.shuffle(kinds)
    await together(AT_ONCE, [lambda kind=kind: _one(arena, kind) for kind in kinds])  # type: ignore[misc]


async def _one(arena: Arena, kind: str) -> None:
    """Have one die; the figure is from its death to the terminal event at a subscriber."""
    session = arena.word("s")
    told = asyncio.get_running_loop().create_future()

    def watch(_: int, event: bytes) -> None:
        if any(b'"type":"%b"' % each.encode() in event for each in TERMINAL) and not told.done():
            told.set_result(time.monotonic())

    arena.read(session, "ws", watch=watch, until="run")
    if kind in BY_ITSELF:
        run = await arena.start("dies", session, ends=BY_ITSELF[kind], way=kind)
        arrived = await asyncio.wait_for(told, 60)
        died = arena.journal(run).died
    else:
        died = await _end(arena, kind, session)
        arrived = await asyncio.wait_for(told, 60)
    arena.figure("death to terminal event", max(0.0, arrived - died), most=1.0)


async def _end(arena: Arena, kind: str, session: str) -> float:
    """End one that does not by itself; when it should be over."""
    if kind == "overstays":
        run = await arena.start(kind, session, ends={"error:workflow_timeout"})
        await arena.until(lambda: arena.journal(run).begins > 0)
        return time.monotonic() + TIMEOUT + GRACE
    if kind == "killed_from_outside":
        run = await arena.start("until_told", session, ends=CRASHED, stop="/nowhere", rate=200)
        await _alive(arena, run)
        await asyncio.sleep(arena.dice.random() * 0.2)
        os.kill(arena.journal(run).pid, signal.SIGKILL)
        return time.monotonic()
    ends, grace = WHEN_CANCELLED[kind]
    run = await arena.start(kind, session, ends=ends)
    await _alive(arena, run)
    await arena.api.insist("POST", f"/api/runs/{run.run}/cancel")
    return time.monotonic() + grace


async def _alive(arena: Arena, run: Expected) -> None:
    await arena.until(lambda: len(arena.journal(run).intended) > 0)

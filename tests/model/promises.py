"""What must hold after every schedule, whatever happened in it: the promises of the contract."""

from typing import TYPE_CHECKING, Any

import msgspec

from server.events import TERMINAL, Event
from tests.model.world import SESSION, World
from workflows.runtime import outbox

if TYPE_CHECKING:
    from tests.model.process import Process
    from tests.model.road import Road
    from tests.model.upper import Upper

OF_THE_SERVER = TERMINAL | {"run_start", "input_received"}
#: The longest line that a program of the model writes.
LONGEST_LINE = 120


class Line(msgspec.Struct):
    """An event, as far as it is judged."""

    offset: int
    type: str
    run: str
    data: msgspec.Raw


class Answered(msgspec.Struct):
    """The data of an ``input_received``."""

    request: str
    value: int


_line = msgspec.json.Decoder(Line).decode
_answered = msgspec.json.Decoder(Answered).decode


def history(world: World) -> list[Event]:
    """All that the log has, read page by page."""
    found: list[Event] = []

    async def read() -> None:
        log = world.server.hub.events
        while page := await log.read(SESSION, len(found)):
            found.extend(page)

    world.server.spawn(read())
    world.settle_server()
    return found


def judge_upper(world: "Upper") -> list[str]:
    """Judge a schedule of the upper half."""
    events = history(world)
    broken = [*_numbered(events), *_readers(world, events)]
    tails = [event.line.split(b",", 1)[1] for event in events]
    sent = [{line.tail for line in lines} for lines in zip(*world.lives, strict=True)]
    if len(tails) != len(sent) or any(
        tail not in ways for tail, ways in zip(tails, sent, strict=True)
    ):
        broken.append(f"the log is not what was written: {tails}")
    return broken


def judge_road(world: "Road") -> list[str]:
    """Judge a schedule of the whole road."""
    events = history(world)
    broken = [*_numbered(events), *_readers(world, events)]
    runs: dict[str, list[Line]] = {}
    for event in events:
        line = _line(event.line)
        runs.setdefault(line.run, []).append(line)
    if set(runs) != set(world.accepted.values()):
        broken.append(f"runs {list(runs)} are in the log, {world.accepted} were accepted")
    for run, lines in runs.items():
        broken += [f"{run}: {what}" for what in _run(world, run, lines)]
    return broken


def _numbered(events: list[Event]) -> list[str]:
    offsets = [event.offset for event in events]
    return [] if offsets == list(range(1, len(events) + 1)) else [f"offsets {offsets}"]


# -- readers


def _readers(world: World, events: list[Event]) -> list[str]:
    broken = []
    epoch = _epoch(world)
    for reader in world.readers:
        broken += reader.failures
        if reader.epoch != epoch:
            # It heard the end before the log was put back to a copy, and has not come again.
            if not world.restores:
                broken.append(f"a reader ended in epoch {reader.epoch}, the log is in {epoch}")
            continue
        wanted = set(reader.types.split(",")) if reader.types else None
        told = events[reader.first : reader.offset]
        expected = [e for e in told if wanted is None or e.type in wanted]
        if reader.events != [(event.offset, event.line) for event in expected]:
            broken.append(f"live is not history: {reader.events} of {reader.first} is not {told}")
        if not 0 < reader.offset <= len(events):
            broken.append(f"a reader ended at {reader.offset} of {len(events)}")
        elif events[reader.offset - 1].type not in TERMINAL:
            broken.append("a reader was told that the stream is complete before its end")
    return broken


def _epoch(world: World) -> str:
    sql = f"SELECT epoch FROM sessions WHERE id = '{SESSION}'"
    return str(world.disk.connection.execute(sql).get)


# -- one run


def _run(world: "Road", run: str, lines: list[Line]) -> list[str]:
    broken = []
    kinds = [line.type for line in lines]
    if kinds.count("run_start") != 1 or kinds[0] != "run_start":
        broken.append(f"it does not begin once: {kinds}")
    if sum(kind in TERMINAL for kind in kinds) != 1 or kinds[-1] not in TERMINAL:
        broken.append(f"it does not end once, or goes on after its end: {kinds}")
    began = [process for process in world.processes.values() if process.run == run]
    began = [process for process in began if process.began]
    if len({process.generation for process in began}) < len(began):
        broken.append("its code was executed twice")
    answers = [_answered(line.data) for line in lines if line.type == "input_received"]
    told = {request: value for (of, request), value in world.answered.items() if of == run}
    if len({answer.request for answer in answers}) != len(answers):
        broken.append(f"an answer is in the log twice: {answers}")
    known = {answer.request: answer.value for answer in answers}
    if not told.items() <= known.items():
        broken.append(f"answers {told} were accepted, {known} are in the log")
    own = [bytes(line.data) for line in lines if line.type not in OF_THE_SERVER]
    if not began:
        return broken + _without_code(world, run, own, lines[-1])
    return broken + _process(world, began[-1], own, lines[-1], known)


def _without_code(world: "Road", run: str, own: list[bytes], end: Line) -> list[str]:
    if own:
        return ["nobody wrote its events"]
    murdered = any(each.murdered for each in world.processes.values() if each.run == run)
    if murdered or world.hurried or run in world.to_be_cancelled:
        return []
    return [f"its code was never run, and it ended as {end.type} {bytes(end.data)!r}"]


def _process(
    world: "Road", process: "Process", own: list[bytes], end: Line, known: dict[str, int]
) -> list[str]:
    broken = []
    emitted = [data for data in process.emitted if data]
    count = len(own)
    if own != emitted[:count]:
        broken.append(f"phantom, doubled or reordered: {own} is not how {emitted} begins")
    if process.most > outbox.MAX_KEPT_BYTES + 2 * LONGEST_LINE:  # the outcome never waits
        broken.append(f"the outbox kept {process.most} bytes")
    if any(len(values) > 1 for values in process.answers.values()):
        broken.append(f"an answer came twice: {process.answers}")
    if process.stops > 1:
        broken.append("a cancel came twice")
    if process.generation != world.restores:
        return broken  # what it was told is void
    acknowledged: int = process.outbox._acknowledged
    if min(acknowledged, len(emitted)) > count:
        broken.append(f"{acknowledged} lines were acknowledged, {count} are in the log")
    if not process.broken and process.sent > count:
        broken.append(f"{process.sent} lines were in the kernel, {count} are in the log")
    for request, values in process.answers.items():
        if values and values[0] != known.get(request):
            broken.append(f"the run heard {values} to {request}, the log has {known}")
    return broken + _ending(world, process, count == len(emitted), end)


def _ending(world: "Road", process: "Process", whole: bool, end: Line) -> list[str]:
    said: dict[str, Any] = msgspec.json.decode(end.data)
    kind = said.get("code", end.type)
    if not _may_end(world, process, kind):
        how = f"outcome {process.outcome}, killed: {process.killed}, murdered: {process.murdered}"
        return [f"it ended as {kind}: {said}; its process: {how}"]
    settled = process.outcome is not None and process.outbox._acknowledged == process.outbox._n
    if (kind == "complete" or settled) and not whole:
        return [f"it is {kind}, and not all of its events are in the log"]
    if settled and process.outcome == "complete" and kind != "complete":
        return [f"its outcome was acknowledged and it is {kind}"]
    return []


def _may_end(world: "Road", process: "Process", kind: str) -> bool:
    """Whether what happened to the process can end its run like this."""
    if kind in {"complete", "workflow_error"}:
        return process.outcome == kind.removeprefix("workflow_")
    if kind == "cancelled":
        return process.run in world.to_be_cancelled
    if kind in {"workflow_crashed", "run_lost"}:
        return process.murdered or process.crashed or world.hurried
    # No process of the model breaks the rules, and time alone makes the other ends.
    return kind != "protocol_error" and world.hurried

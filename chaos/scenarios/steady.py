"""Nothing happens: what every other scenario is compared with."""

from chaos.arena import Arena
from chaos.scenario import scenario


@scenario("calm", size=20, ci=4, unit="runs")
async def calm(arena: Arena) -> None:
    """Runs and subscribers without any fault, for comparison."""
    await arena.serve()
    runs = [
        await arena.start("steady", events=200, rate=400, seed=arena.dice.randrange(1 << 30))
        for _ in range(arena.size)
    ]
    for run in runs:
        for transport in ("ws", "sse", "poll"):
            arena.read(run.session, transport)
    await arena.ended(runs)
    if (seconds := await arena.current()) is not None:
        arena.figure("current after the end", seconds)

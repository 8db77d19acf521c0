"""``python -m chaos [NAME …] [--size N] [--seed S] [--ci] [--list]``."""

import argparse
import asyncio
import os
import platform
import secrets
import sys

from chaos.play import Played, play
from chaos.scenario import Scenario, every


def main(arguments: list[str]) -> int:
    """Play the named scenarios, or all; 1 if a verdict is bad."""
    known = every()
    asked = _parsed(arguments, known)
    if asked.list:
        for each in known.values():
            print(f"{each.name:<18} {each.size:>6} {each.unit:<12} {each.what}")
        return 0
    played: list[Played] = []
    try:
        for name in asked.names or known:
            done = _one(known[name], asked)
            if done is not None:
                print(done.told(), flush=True)
                played.append(done)
    finally:  # hours of it may be behind whoever interrupts
        print("\n" + table(played), flush=True)
    return 0 if all(each.good for each in played) else 1


def _parsed(arguments: list[str], known: dict[str, Scenario]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--size", type=int, help="how much of it; the default is the scenario's")
    parser.add_argument("--seed", type=int, help="of all that is drawn; by default a new one")
    parser.add_argument("--ci", action="store_true", help="the small sizes of `make test`")
    parser.add_argument("--list", action="store_true", help="say what there is")
    asked = parser.parse_args(arguments)
    for name in asked.names:
        if name not in known:
            parser.error(f"no scenario {name}: there are {', '.join(known)}")
    return asked


def _one(scenario: Scenario, asked: argparse.Namespace) -> Played | None:
    if scenario.lacking:
        print(f"{scenario.name}: left out: {scenario.lacking}", flush=True)
        return None
    size = asked.size or (scenario.ci if asked.ci else scenario.size)
    seed = secrets.randbelow(1 << 32) if asked.seed is None else asked.seed
    print(f"\n{scenario.name}: {scenario.what} ({size} {scenario.unit}, seed {seed})", flush=True)
    return asyncio.run(play(scenario, size, seed))


def table(played: list[Played]) -> str:
    """The Markdown table of what was played, and below it what on."""
    head = "| scenario | size | events acknowledged | faults | figures | took |"
    rows = [head, "| --- | --- | --- | --- | --- | --- |", *(each.row() for each in played)]
    return "\n".join([*rows, "", _machine()])


def _machine() -> str:
    system = f"{platform.system()} {platform.release()}"
    return f"{os.cpu_count()} cores, {system}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

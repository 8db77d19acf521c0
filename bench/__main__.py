"""``python -m bench [row …]``: print the tables, all or the named ones."""

import argparse
from collections.abc import Callable
from pathlib import Path

from bench.catch_up import catch_up
from bench.commit import commit
from bench.fan_out import fan_out, fan_out_sse
from bench.flood import flood
from bench.frames import frames
from bench.growth import growth
from bench.herd import herd
from bench.idle import idle
from bench.machine import pin_client, raise_descriptors
from bench.many_sessions import many_sessions, real_runs
from bench.road import road
from bench.size import Size
from bench.start import start
from bench.table import Table
from bench.thousand_runs import thousand_runs

ROWS: dict[str, Callable[[Size], Table | str]] = {
    "fan-out": fan_out,
    "fan-out-sse": fan_out_sse,
    "many-sessions": many_sessions,
    "real-runs": real_runs,
    "flood": flood,
    "road": road,
    "commit": commit,
    "start": start,
    "thousand-runs": thousand_runs,
    "catch-up": catch_up,
    "herd": herd,
    "idle": idle,
    "frames": frames,
    "growth": growth,
}


def main() -> None:
    """Run the rows in order."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="small, to see that it works")
    parser.add_argument("--events", type=int, default=Size.events, help="the longest of growth")
    parser.add_argument("--plot", type=Path, default=Size.plot, help="where growth draws it")
    parser.add_argument("--peers", default="", help="only these, with commas: nchan,ws,…")
    asked = parser.parse_args()
    if unknown := [name for name in asked.rows if name not in ROWS]:
        parser.error(f"no row {unknown[0]}: there are {', '.join(ROWS)}")
    peers = frozenset(filter(None, asked.peers.split(",")))
    size = Size(asked.quick, asked.events, asked.plot, peers)
    raise_descriptors()
    pin_client()
    for name in asked.rows or ROWS:
        print(ROWS[name](size), flush=True)


main()

"""``python -m bench [row …]``: print the tables, all or the named ones."""

import sys

from bench.fan_out import fan_out
from bench.many_sessions import many_sessions

ROWS = {"fan-out": fan_out, "many-sessions": many_sessions}


def main(names: list[str]) -> None:
    """Run the rows in order."""
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise SystemExit(f"no row {unknown[0]}: there are {', '.join(ROWS)}")
    for name in names or ROWS:
        print(ROWS[name](), flush=True)


main(sys.argv[1:])

"""``python -m tests.model SEED``, ``python -m tests.model FIRST LAST``: play schedules by hand."""

import sys

from tests.model.playing import play

if __name__ == "__main__":
    first, *last = map(int, sys.argv[1:])
    played = play(range(first, (last[0] if last else first) + 1))
    for failure in played.failures:
        print(failure)
    print(f"schedules={played.schedules} drawn={played.drawn} failures={len(played.failures)}")
    sys.exit(bool(played.failures))

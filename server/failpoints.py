"""Named points at which the server can be told to die, for tests of what a crash costs there.

``FAILPOINTS=commit.before_ack:3`` in the environment ends the process, by ``_exit`` and without a
word, when that point is passed for the third time; several points are separated by commas. A crash
at a random moment hardly ever meets the few microseconds between a commit and its acknowledgement.
"""

import os
from collections.abc import Callable

from server.errors import SettingsError

EXIT_CODE = 86

#: What lies before and after each, in the order of a run's life.
POINTS = {
    "fork.before_record": "the process exists, its pid is not committed",
    "record.before_start": "pid and start are committed, the child has not been told to start",
    "start.after": "the child has been told to start",
    "commit.before_send": "events are durable, no subscriber has them",
    "commit.before_ack": "events are durable, the run's own server side does not know it",
    "ack.before_send": "an acknowledgement is due, the child has not got it",
    "outcome.before_commit": "the outcome has come, the terminal event is not committed",
    "outcome.before_ack": "the terminal event is durable, the child does not know it",
}


def parse(text: str) -> dict[str, int]:
    """The count of each point in ``name:count[,…]``. Raises SettingsError."""
    counts: dict[str, int] = {}
    for word in filter(None, text.split(",")):
        name, _, count = word.strip().partition(":")
        if name not in POINTS or not count.isdecimal() or int(count) < 1:
            raise SettingsError(
                f"FAILPOINTS={text}: {word} is not name:count; the names are {', '.join(POINTS)}"
            )
        counts[name] = int(count)
    return counts


def armed(counts: dict[str, int], die: Callable[[], None]) -> Callable[[str], None]:
    """Return what is called at every point: it calls ``die`` at the one that is due."""
    if not counts:
        return _nothing
    left = dict(counts)

    def passed(name: str) -> None:
        if name in left:
            left[name] -= 1
            if left[name] == 0:
                die()

    return passed


def _nothing(name: str) -> None:
    """The server is not under test."""


passed = armed(parse(os.environ.get("FAILPOINTS", "")), lambda: os._exit(EXIT_CODE))

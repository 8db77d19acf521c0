"""The two clocks of a run: what it waits for now, and when its time is up."""

import asyncio
from collections.abc import Callable

HELLO_SECONDS = 30.0
HANGUP_SECONDS = 3.0  # for a process whose stream broke: to be gone, or to come again


class Timers:
    """``overdue`` is called when what is waited for did not come, ``expired`` at the deadline.

    ``grace`` is what a run has to end in, in seconds.
    """

    def __init__(
        self, grace: float, overdue: Callable[[], None], expired: Callable[[], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._grace = grace
        self._overdue = overdue
        self._expired = expired
        self._patience: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def wind(self, seconds: float) -> None:
        """Wait so long from now on, for something else than before."""
        self.unwind()
        self._patience = self._loop.call_later(seconds, self._overdue)

    def expect_hello(self) -> None:
        """Wait for a process that was started."""
        self.wind(HELLO_SECONDS)

    def expect_death(self) -> None:
        """Wait for the end of a process that hung up, or for its return."""
        self.wind(HANGUP_SECONDS)

    def give_grace(self) -> None:
        """Wait for a run that was told to end."""
        self.wind(self._grace)

    def hurry(self) -> None:
        """Wait for a process out of reach that is to be told to end: only as long as it needs."""
        self.wind(max(self._grace, HANGUP_SECONDS))

    def unwind(self) -> None:
        """Wait for nothing."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def limit(self, seconds: float) -> None:
        """The run may take so long from now on."""
        self._deadline = self._loop.call_later(seconds, self._expired)

    def stop(self) -> None:
        """Neither waits any more."""
        self.unwind()
        if self._deadline is not None:
            self._deadline.cancel()

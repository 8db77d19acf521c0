"""Acknowledgements of many runs, gathered and spread."""

import asyncio
from typing import cast

import pytest

from server.runs import intake
from server.runs.intake import ACKS, Acks, Intake


class Run:
    """Counts how often it is acknowledged; the first time may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.heard = 0
        self._fails = fails

    def acknowledge(self) -> None:
        """Hear it."""
        self.heard += 1
        if self._fails:
            self._fails = False
            raise RuntimeError


async def test_each_is_acknowledged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are due, and however often one has asked meanwhile."""
    monkeypatch.setattr(intake, "ACK_SECONDS", 0.01)
    acks, runs = Acks(), [Run() for _ in range(3 * ACKS + 1)]
    for run in [*runs, *runs]:
        acks.later(cast("Intake", run))
    async with asyncio.timeout(60):
        while not all(run.heard for run in runs):
            await asyncio.sleep(0)
    assert {run.heard for run in runs} == {1}


async def test_one_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in one run's acknowledgement: the others have theirs, now and later."""
    monkeypatch.setattr(intake, "ACK_SECONDS", 0.01)
    acks, runs = Acks(), [Run(fails=True), *[Run() for _ in range(2 * ACKS)]]
    for wanted in (1, 2):
        for run in runs:
            acks.later(cast("Intake", run))
        async with asyncio.timeout(60):
            while not all(run.heard >= wanted for run in runs):
                await asyncio.sleep(0)

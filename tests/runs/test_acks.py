"""Acknowledgements of many runs, gathered and spread."""

import asyncio
from typing import cast

import pytest

from server.runs import intake
from server.runs.intake import Acks, Intake


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


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them in some hundredths of a second."""
    monkeypatch.setattr(intake, "ACK_SECONDS", 0.01)
    monkeypatch.setattr(intake, "ACK_INTERVAL", 0.0001)


async def test_each_is_acknowledged_once() -> None:
    """However many are due, and however often one has asked meanwhile."""
    acks, runs = Acks(), [Run() for _ in range(49)]
    for run in [*runs, *runs]:
        acks.later(cast("Intake", run))
    async with asyncio.timeout(60):
        while not all(run.heard for run in runs):
            await asyncio.sleep(0)
    assert {run.heard for run in runs} == {1}


async def test_one_that_fails_stops_no_other() -> None:
    """A bug in one run's acknowledgement: the others have theirs, now and later."""
    acks, runs = Acks(), [Run(fails=True), *[Run() for _ in range(32)]]
    for wanted in (1, 2):
        for run in runs:
            acks.later(cast("Intake", run))
        async with asyncio.timeout(60):
            while not all(run.heard >= wanted for run in runs):
                await asyncio.sleep(0)


async def test_they_are_spread() -> None:
    """One at a time, with turns of the loop in between, however many are due together."""
    acks, runs = Acks(), [Run() for _ in range(20)]
    for run in runs:
        acks.later(cast("Intake", run))
    heard = 0
    async with asyncio.timeout(60):
        while heard < len(runs):
            await asyncio.sleep(0)
            now = sum(run.heard for run in runs)
            assert now - heard <= 1
            heard = now

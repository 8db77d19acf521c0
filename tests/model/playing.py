"""Plays schedules, one after the other, and says which seeds broke a promise."""

import gc
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

from tests.model.disk import Disk
from tests.model.road import Road
from tests.model.simulation import simulated
from tests.model.upper import Upper
from tests.model.world import Stuck, World

#: One schedule in so many takes the whole road, the others its upper half.
ROAD_EVERY = 5
#: Failures after which there is no point in going on.
ENOUGH = 20
#: Schedules between two looks for garbage.
CLEAN_EVERY = 200


class Played(NamedTuple):
    """How many schedules were played, what they drew, and what each failed seed broke."""

    schedules: int
    drawn: int  # a checksum of how far each has used up its lots: the same in every replay
    failures: list[str]


def world(seed: int, disk: Disk) -> World:
    """The schedule of a seed; nothing but the seed decides it."""
    return Upper(seed, disk) if seed % ROAD_EVERY else Road(seed, disk)


def broken(playing: World) -> list[str]:
    """Play a schedule; what it broke."""
    try:
        playing.play()
    except Stuck as stuck:
        return [*playing.failures, f"stuck: {stuck}"]
    except Exception as error:  # noqa: BLE001 - whatever it is, a schedule found it
        return [*playing.failures, f"{type(error).__name__}: {error}"]
    return playing.failures


def play(seeds: Iterable[int], enough: int = ENOUGH) -> Played:
    """Play the schedules of ``seeds`` until so many have failed."""
    count = drawn = 0
    failures: list[str] = []
    collects = gc.isenabled()
    gc.collect()
    gc.freeze()  # what is here already is not looked at again
    gc.disable()  # a dead world is garbage in one piece; looking for it all the time takes long
    try:
        with simulated():
            disk = Disk()
            for seed in seeds:
                playing = world(seed, disk)
                failures += [f"seed {seed}: {what}" for what in broken(playing)[:2]]
                drawn = crc32(playing.random.randbytes(8), drawn)
                count += 1
                if count % CLEAN_EVERY == 0:
                    gc.collect()
                if len(failures) >= enough:
                    break
    finally:
        gc.unfreeze()
        if collects:
            gc.enable()
    return Played(count, drawn, failures)

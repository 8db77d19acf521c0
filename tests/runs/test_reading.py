"""What it costs to read a run's pipe."""

import tracemalloc

from tests.runs.conftest import Place

MOST = 32 << 10


async def test_small_reads_take_no_large_buffer(place: Place) -> None:
    """Memory for a read is as large as what came: what is larger and cut leaves holes behind."""
    run = await place.started("trickles")
    tracemalloc.start()
    try:
        await place.kept.until(lambda: len(place.kept.types(run)) > 40)
        left, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most - left < MOST

"""The list of sessions: pages that join, whatever is in memory only."""

import pytest

from server.records import SessionRecord
from tests.sessions.conftest import Stage


@pytest.mark.parametrize("waiting", [0, 2, 3, 5])
@pytest.mark.parametrize("stored", [0, 1, 3, 7])
async def test_pages_join(stage: Stage, waiting: int, stored: int) -> None:
    """Every stored session is on one page, newest first; those that only wait are on the first."""
    hub = stage.hub
    for number in range(stored):
        await hub.create(SessionRecord(id=f"stored{number}"))
    for number in range(waiting):
        async with hub.hold(f"waiting{number}", create=True):
            pass
    pages: list[list[str]] = []
    before: int | None = None
    while not pages or before is not None:
        heads, before = await hub.listed(3, before, None)
        assert len(heads) <= 3
        pages.append([head.record.id for head in heads])
    names = [name for page in pages for name in page]
    assert [name.startswith("waiting") for name in names].count(True) == min(waiting, 3)
    assert all(name.startswith("waiting") for name in pages[0][: min(waiting, 3)])
    assert [name for name in names if name.startswith("stored")] == [
        f"stored{number}" for number in reversed(range(stored))
    ]
    assert len(names) == len(set(names))

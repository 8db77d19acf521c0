"""The schedule that is being played, for those who stand in for the kernel."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.model.world import World


class Stage:
    """One at a time."""

    world: "World"

    def __init__(self) -> None:
        self.errors: list[str] = []  # that the real parts have logged


STAGE = Stage()

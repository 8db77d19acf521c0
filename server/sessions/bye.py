"""Why a stream ends, as its reader is told: ``docs/protocol.md``, "How a stream ends". Pure."""

from dataclasses import dataclass
from typing import Any, Literal

Reason = Literal["closed", "restart", "rotate", "overloaded", "revoked", "slow", "deleted", "gone"]


@dataclass(frozen=True)
class Bye:
    """Why a stream ended, and whether and when its reader may come back."""

    reason: Reason
    after_ms: int | None = None

    @property
    def reconnect(self) -> bool:
        """Whether coming back with the cursor has a point."""
        return self.reason in {"restart", "rotate", "overloaded", "slow"}

    def frame(self, cursor: str | None) -> dict[str, Any]:
        """The control frame that says it; None is for a connection that has no cursor."""
        frame: dict[str, Any] = {"type": "bye", "reason": self.reason, "reconnect": self.reconnect}
        if self.after_ms is not None:
            frame["after_ms"] = self.after_ms
        return frame if cursor is None else frame | {"cursor": cursor}

"""Telling a slow reader from a dead one. Pure.

Both let the socket fill up. The kernel knows the difference: a slow peer keeps acknowledging what
it was sent, if only by closing its window and answering the probes of it; a dead one says nothing.
Neither aiohttp's ``heartbeat`` nor ``TCP_USER_TIMEOUT`` asks that question: both cut a living
reader that does not read.

Source: ``struct tcp_info`` of ``include/uapi/linux/tcp.h``.
"""

import struct
from enum import Enum
from functools import cache
from typing import NamedTuple

#: Seconds without taking a byte, while something waits, after which a reader is too slow.
SLOW_SECONDS = 60.0
#: Heartbeats without an acknowledgement, while something waits for one, after which it is dead.
DEAD_HEARTBEATS = 2.5
#: Heartbeats that what waits must have waited for it. After a pause, of the stream or of this very
#: process, the last acknowledgement is old and says nothing yet about what was sent just now.
PATIENCE_HEARTBEATS = 1.0
#: Seconds between two looks at a socket, if four in a heartbeat are not more.
JUDGE_SECONDS = 5.0
#: Window probes counted as unanswered that prove it. One does not: over loopback the answer arrives
#: before the kernel has counted the probe, so there a living peer always shows one.
UNANSWERED_PROBES = 2

_PROBES = struct.Struct("3xB")  # byte 3: window probes that were not answered
_UNACKED = struct.Struct("24xI")  # packets in flight
_LAST_ACK_RECV = struct.Struct("56xI")  # milliseconds since the peer last acknowledged anything
_BYTES_ACKED = struct.Struct("120xQ")
_NOTSENT = struct.Struct("144xI")  # bytes that the kernel holds and has not sent


class TcpInfo(NamedTuple):
    """The five facts of ``struct tcp_info`` that matter here."""

    probes: int
    unacked: int
    last_ack_seconds: float
    bytes_acked: int
    notsent: int

    @classmethod
    def read(cls, raw: bytes) -> "TcpInfo | None":
        """Unpack what ``getsockopt(TCP_INFO)`` gave; None where the kernel tells too little."""
        if len(raw) < _NOTSENT.size:
            return None
        return cls(
            _PROBES.unpack_from(raw)[0],
            _UNACKED.unpack_from(raw)[0],
            _LAST_ACK_RECV.unpack_from(raw)[0] / 1000,
            _BYTES_ACKED.unpack_from(raw)[0],
            _NOTSENT.unpack_from(raw)[0],
        )


class Verdict(Enum):
    """What a reader's socket says about it."""

    FINE = "fine"
    SLOW = "slow"
    DEAD = "dead"


class _Limits(NamedTuple):
    silence: float
    patience: float
    every: float


@cache
def _limits(heartbeat: float) -> _Limits:
    """What is the same for all readers, in seconds."""
    return _Limits(
        DEAD_HEARTBEATS * heartbeat,
        PATIENCE_HEARTBEATS * heartbeat,
        min(heartbeat / 4, JUDGE_SECONDS),
    )


class Pace:
    """What one reader's socket said so far. ``heartbeat`` and all times are in seconds."""

    __slots__ = ("_limits", "_looked_at", "_probed_at", "_taken", "_taken_at")

    def __init__(self, heartbeat: float, at: float):
        self._limits = _limits(heartbeat)
        self._taken = 0
        self._taken_at = at
        self._probed_at: float | None = None
        self._looked_at = at - self._limits.every

    def due(self, at: float) -> bool:
        """Whether to look again: what ``judge`` wants is a system call, so not at every beat."""
        if at - self._looked_at < self._limits.every:
            return False
        self._looked_at = at
        return True

    def judge(self, at: float, raw: bytes, backlog: int) -> Verdict:
        """Judge by ``struct tcp_info`` and the bytes that the kernel has not even taken."""
        info = TcpInfo.read(raw)
        if info is None:
            return Verdict.FINE
        waiting = bool(backlog or info.notsent or info.unacked)
        if info.bytes_acked != self._taken or not waiting:
            self._taken, self._taken_at = info.bytes_acked, at
        if info.probes < UNANSWERED_PROBES:
            self._probed_at = None
        elif self._probed_at is None:
            self._probed_at = at
        if self._silent(at, info):
            return Verdict.DEAD
        return Verdict.SLOW if at - self._taken_at >= SLOW_SECONDS else Verdict.FINE

    def _silent(self, at: float, info: TcpInfo) -> bool:
        silence, patience, _ = self._limits
        # A closed window leaves nothing in flight: then only the probes tell, and the kernel
        # spaces those out up to two minutes, so the time since the last acknowledgement does not.
        if info.unacked:
            return info.last_ack_seconds > silence and at - self._taken_at > patience
        return self._probed_at is not None and at - self._probed_at > silence

"""Telling a slow reader from a dead one, on what the kernel says."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.sessions.pace import DEAD_HEARTBEATS, SLOW_SECONDS, Pace, TcpInfo, Verdict

HEARTBEAT = 10.0
SILENCE = DEAD_HEARTBEATS * HEARTBEAT


def tcp_info(
    *, probes: int = 0, unacked: int = 0, last_ack: float = 0, acked: int = 0, notsent: int = 0
) -> bytes:
    """A ``struct tcp_info`` with these facts."""
    raw = bytearray(232)
    raw[3] = probes
    struct.pack_into("I", raw, 24, unacked)
    struct.pack_into("I", raw, 56, int(last_ack * 1000))
    struct.pack_into("Q", raw, 120, acked)
    struct.pack_into("I", raw, 144, notsent)
    return bytes(raw)


def play(history: list[tuple[float, bytes, int]]) -> list[Verdict]:
    """The verdicts on a history of (time, ``tcp_info``, backlog)."""
    pace = Pace(HEARTBEAT, 0.0)
    return [pace.judge(at, raw, backlog) for at, raw, backlog in history]


def every_second(until: float, raw: bytes, backlog: int = 0) -> list[tuple[float, bytes, int]]:
    """The same facts once a second."""
    return [(float(at), raw, backlog) for at in range(1, int(until) + 1)]


HISTORIES = {
    "idle": (every_second(600, tcp_info(acked=5, last_ack=600)), Verdict.FINE),
    "reads all it gets": (
        [(at, tcp_info(acked=int(at) * 100, unacked=1), 50) for at in map(float, range(1, 600))],
        Verdict.FINE,
    ),
    "does not read for less than the time": (
        every_second(SLOW_SECONDS - 1, tcp_info(acked=5, notsent=9, probes=1), 70_000),
        Verdict.FINE,
    ),
    "does not read": (
        every_second(SLOW_SECONDS + 2, tcp_info(acked=5, notsent=9, probes=1), 70_000),
        Verdict.SLOW,
    ),
    "does not read, and its probes are far apart": (
        every_second(SLOW_SECONDS + 2, tcp_info(acked=5, notsent=9, last_ack=51)),
        Verdict.SLOW,
    ),
    "answers nothing": (
        [(at, tcp_info(acked=5, unacked=1, last_ack=at), 0) for at in map(float, range(1, 28))],
        Verdict.DEAD,
    ),
    "answers nothing for less than the time": (
        [(at, tcp_info(acked=5, unacked=1, last_ack=at), 0) for at in map(float, range(1, 25))],
        Verdict.FINE,
    ),
    "has only heartbeats, and answers nothing": (
        [
            *every_second(HEARTBEAT - 1, tcp_info(acked=5)),
            *(
                (at, tcp_info(acked=5, unacked=1, last_ack=at), 0)
                for at in map(float, range(10, int(SILENCE) + 2))
            ),
        ],
        Verdict.DEAD,
    ),
    "was quiet for long, and has not answered for less than a heartbeat": (
        [
            (600.0, tcp_info(acked=5, last_ack=300), 0),
            *(
                (600.0 + at, tcp_info(acked=5, unacked=1, last_ack=300 + at), 0)
                for at in range(1, int(HEARTBEAT))
            ),
        ],
        Verdict.FINE,
    ),
    "went away behind a closed window": (
        every_second(SILENCE + 3, tcp_info(acked=5, notsent=9, probes=3), 70_000),
        Verdict.DEAD,
    ),
    "nothing outstanding for long, then one packet": (
        [
            (600.0, tcp_info(acked=5, last_ack=300), 0),
            (601.0, tcp_info(acked=5, unacked=1, last_ack=301), 0),
        ],
        Verdict.FINE,
    ),
    "the kernel tells too little": (every_second(600, b"", 70_000), Verdict.FINE),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_history(name: str) -> None:
    """Who takes nothing but acknowledges is slow; who acknowledges nothing is dead."""
    history, verdict = HISTORIES[name]
    assert play(history)[-1] is verdict


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a real TCP connection over loopback."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as near,
        listener.accept()[0] as far,
    ):
        yield near, far


def test_the_kernels_layout() -> None:
    """The offsets into ``struct tcp_info`` are those of the kernel that runs here."""
    with connection() as (near, far):
        near.sendall(b"x" * 1000)
        assert len(far.recv(1000, socket.MSG_WAITALL)) == 1000
        info = TcpInfo.read(near.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256))
        assert info is not None
        assert info.bytes_acked in (1000, 1001)  # the SYN may count
        near.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                near.send(b"x" * 65536)
        info = TcpInfo.read(near.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256))
        assert info is not None
        assert info.notsent > 0

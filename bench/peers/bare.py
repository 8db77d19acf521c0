"""The floor: nothing but ``send``, the same bytes to every socket in a loop. No server at all.

What comes in one read, of the one session that it has, goes out in one ``send`` to each reader.
"""

import select
import socket
import tempfile
from pathlib import Path

from bench.peers.lines import announce

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def main() -> None:
    """Serve until the one who publishes goes away."""
    with (
        tempfile.TemporaryDirectory(prefix="peer") as folder,
        socket.socket(socket.AF_UNIX) as door,
    ):
        address = str(Path(folder) / "s")
        door.bind(address)
        door.listen()
        listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        announce(listener.getsockname()[1], address)
        sockets: list[socket.socket] = []
        publisher: socket.socket | None = None
        while True:
            waiting = [each for each in (listener, door, publisher) if each]
            ready, _, _ = select.select(waiting, [], [])
            if listener in ready:
                sockets.append(_accepted(listener))
            if door in ready:
                publisher, _ = door.accept()
                publisher.recv(64)
            if publisher in ready:
                assert publisher is not None
                _send(publisher.recv(1 << 16), sockets)


def _accepted(listener: socket.socket) -> socket.socket:
    accepted, _ = listener.accept()
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    accepted.send(UPGRADED)
    return accepted


def _send(lines: bytes, sockets: list[socket.socket]) -> None:
    frames = b"".join(
        b"\x81\x7e" + len(line).to_bytes(2, "big") + line for line in lines.splitlines()
    )
    for each in sockets:
        each.send(frames)


main()

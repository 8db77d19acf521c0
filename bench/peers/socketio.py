"""A reader of socket.io, as its own client opens one over WebSocket."""

import socket

from bench.readers import CHUNK, Address, upgrade

CONNECT = b"\x81\x82\0\0\0\0" + b"40"  # a masked frame: the namespace is joined
WELCOME = b'40{"sid"'


def join(address: Address, session: str) -> socket.socket:
    """Open a reader that is past the welcome."""
    connection = upgrade(address, f"/socket.io/?EIO=4&transport=websocket&session={session}")
    connection.sendall(CONNECT)
    received = b""
    while WELCOME not in received:
        data = connection.recv(CHUNK)
        if not data:
            raise ConnectionError(f"socket.io answered {received[:200]!r}")
        received += data
    return connection

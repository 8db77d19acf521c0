"""The floor: nothing but ``send``, the same bytes to every socket in a loop. No server at all.

Accepts on a port that it prints; sends an event to every socket for each byte that it reads from
stdin, those of one read in one ``send``.
"""

import json
import os
import select
import socket

EVENT = b"\x81\x7e\x00\xf0" + b'{"offset":12345,' + b"x" * 224
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def main() -> None:
    """Serve until stdin ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    sockets: list[socket.socket] = []
    while True:
        ready, _, _ = select.select([0, listener.fileno()], [], [])
        if listener.fileno() in ready:
            accepted, _ = listener.accept()
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.send(UPGRADED)
            sockets.append(accepted)
        if 0 in ready:
            asked = os.read(0, 1024)
            if not asked:
                return
            for each in sockets:
                each.send(EVENT * len(asked))


main()

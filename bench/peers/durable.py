"""``@durable-streams/server`` with its file store: a stream a session, appended to by POST."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from bench.events import event
from bench.peers import Peer, node, running
from bench.readers import Address, subscribe

JSON = {"Content-Type": "application/json"}


class Appender(socket.socket):
    """A connection that appends to a stream; what is sent is the body of a request."""

    def __init__(self, address: Address, session: int):
        super().__init__(socket.AF_INET)
        self.connect(address)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            f"POST /{session} HTTP/1.1\r\nHost: {address[0]}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def send(self, body: bytes, _flags: int = 0, /) -> int:  # type: ignore[override]
        """Send a whole request."""
        self.setblocking(True)
        self.sendall(self._head + b"%d\r\n\r\n%b" % (len(body), body))
        self.setblocking(False)
        return len(body)


@contextmanager
def durable_streams(sessions: int) -> Iterator[Peer]:
    """A running one, with a stream for each session."""
    with running(node("durable.js")) as started:
        address = started.address
        connection = http.client.HTTPConnection(*address)
        for session in range(sessions):
            connection.request("PUT", f"/{session}", headers=JSON)
            with connection.getresponse() as answer:
                answer.read()
        yield Peer(
            started.pids,
            lambda session: subscribe(address, f"/{session}?offset=-1&live=sse"),
            lambda session: Appender(address, session),
            _array,
        )


def _array(numbers: range, stamp: int) -> bytes:
    return b"[" + b",".join([event(n, stamp) for n in numbers]) + b"]"

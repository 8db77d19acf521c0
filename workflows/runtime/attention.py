"""Waiting for the server's socket and for both streams of output at once."""

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from workflows.runtime.capture import Capture
from workflows.runtime.outbox import Outbox


class Attention:
    """Takes what the code prints, with a server or without one, and listens to the one it has."""

    def __init__(self, outbox: Outbox, capture: Capture) -> None:
        self._outbox = outbox
        self._capture = capture
        self._epoll = select.epoll()
        self._server: socket.socket | None = None
        self._writable_watched = False
        self._streams = {stream.descriptor: stream for stream in capture.streams}
        self._streams_watched: set[int] = set()

    def listen(self, server: socket.socket, hear: Callable[[], None]) -> None:
        """Call `hear` whenever there is something to be read, until it or the socket raises."""
        self._server, self._writable_watched = server, False
        self._epoll.register(server, select.EPOLLIN)
        try:
            while True:
                self._attend(None, hear)
        finally:
            self._server = None
            with suppress(OSError, ValueError):  # the workflow's code has closed it
                self._epoll.unregister(server)

    def pause(self, seconds: float) -> None:
        """Let the time pass; only what is printed is taken."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._attend(left, lambda: None)

    def watch_writable(self, on: bool) -> None:
        """Have the outbox carry on when the socket drains.

        Called under the outbox's lock, from any thread; works while `listen` is waiting.
        """
        if on != self._writable_watched and self._server is not None:
            self._writable_watched = on
            self._epoll.modify(self._server, select.EPOLLIN | (select.EPOLLOUT if on else 0))

    def let_go(self) -> None:
        """In a process forked from the run's: close the descriptors, which it shares."""
        self._epoll.close()
        self._capture.close()
        if self._server is not None:
            self._server.close()

    def _attend(self, seconds: float | None, hear: Callable[[], None]) -> None:
        self._watch_streams()
        for descriptor, events in self._epoll.poll(seconds):
            if descriptor in self._streams:
                self._outbox.put_printed()
                continue
            if events & select.EPOLLOUT:
                self._outbox.carry()
            if events & ~select.EPOLLOUT:
                hear()

    def _watch_streams(self) -> None:
        """Where there is no room, leave what is printed in its pipe, and let the code wait."""
        room = self._outbox.takes_printed
        wanted = {fd for fd, stream in self._streams.items() if room and stream.open}
        for descriptor in self._streams_watched - wanted:
            self._epoll.unregister(descriptor)
        for descriptor in wanted - self._streams_watched:
            self._epoll.register(descriptor, select.EPOLLIN)
        self._streams_watched = wanted

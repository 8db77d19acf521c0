"""Leaving the fork server behind: the child becomes a process as any other."""

import gc
import os
import signal
import sys
from typing import Any

_IGNORED_BY_PYTHON = {signal.SIGPIPE, signal.SIGXFSZ}


def leave_fork_server() -> None:
    """Become the leader of a session of its own, with default signals and no foreign descriptor.

    Meant for the first moments of a process: nothing may run beside it yet.
    """
    if os.getpgrp() != os.getpid():
        os.setsid()  # first of all: from here on the server may signal the group
    _close_what_multiprocess_left()
    _default_signals()
    gc.enable()


def _close_what_multiprocess_left() -> None:
    """Close the descriptors that `multiprocess` 0.70.19 leaves open in a child of its fork server.

    Its public face has no way to them. The alive descriptor would keep the fork server running
    after the server's death, the tracker's the tracker. What used them is told that it has none, so
    that a workflow may use `multiprocess` itself, with a fork server and a tracker of its own.
    """
    if server := _loaded("multiprocess.forkserver"):
        _close(server._forkserver._forkserver_alive_fd)
        server._forkserver._forkserver_alive_fd = None
        server._forkserver._forkserver_address = None
        server._forkserver._inherited_fds = None
    if tracker := _loaded("multiprocess.resource_tracker"):
        _close(tracker._resource_tracker._fd)
        tracker._resource_tracker._fd = None
        tracker._resource_tracker._pid = None
    if process := _loaded("multiprocess.process"):
        if process._parent_process is not None:
            _close(process._parent_process._sentinel)
            process._parent_process = None
        process.current_process()._config["daemon"] = False  # a daemon may not have children


def _loaded(name: str) -> Any:
    return sys.modules.get(name)


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)


def _default_signals() -> None:
    """Undo what was ignored or blocked around the server, by nohup or by a shell's `&`.

    Handlers that a preloaded workflow module has set stay.
    """
    for number in signal.valid_signals() - _IGNORED_BY_PYTHON:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())

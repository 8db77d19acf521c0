"""A workflow's process, from the fork to its exit.

The server starts `enter` in a child of a fork server that has imported this module, and the
workflows, beforehand: what is imported here is on nobody's clock.
"""

import faulthandler
import os
import sys

from workflows.runtime import pipe
from workflows.runtime.birth import leave_fork_server
from workflows.runtime.capture import Capture, catch_output, flush_output
from workflows.runtime.context import Context
from workflows.runtime.execution import execute
from workflows.runtime.inbox import Inbox
from workflows.runtime.listener import Listener
from workflows.runtime.outbox import Outbox


def enter(  # noqa: PLR0917 (all strings: they cross to another process)
    run: str, secret: str, address: str, target: str, stderr: str, patience: str
) -> None:
    """Be the run's process; does not return.

    `address` is the path of the server's Unix socket, `target` the workflow's function as
    `package.module:attribute`, `stderr` the path of a named pipe that exists, `patience` how many
    seconds it waits for a server when it has none. The process exits with 0 when the server has
    acknowledged the outcome.
    """
    leave_fork_server()
    capture = catch_output(stderr)
    faulthandler.enable(2)

    inbox = Inbox()
    outbox = Outbox(printed=capture.take)
    inbox.on_stop(outbox.stop)

    def hello() -> bytes:
        return pipe.hello(run, secret, outbox.last_number, inbox.asking)

    listener = Listener(address, hello, inbox, outbox, capture, patience=float(patience))
    os.register_at_fork(after_in_child=listener.let_go)
    listener.start()

    start = inbox.wait_for_start()
    outcome = execute(target, start.input, Context(run, outbox, inbox), inbox)
    flush_output()
    if outbox.disowned:  # the workflow forked and let the copy return: the original goes on alone
        sys.exit(0)
    _finish(outbox, outcome, capture)
    outbox.wait_until_acknowledged()
    os._exit(0)


def _finish(outbox: Outbox, outcome: bytes, capture: Capture) -> None:
    try:
        outbox.finish(outcome, capture.take_all)
    except ValueError as too_long:
        limit = pipe.failed("limit_exceeded", f"the outcome is too long: {too_long}")
        outbox.finish(limit, capture.take_all)

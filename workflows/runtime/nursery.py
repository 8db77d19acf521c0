"""What makes a fork server a good parent. For its preload alone: it changes whoever imports it.

A process whose parent died becomes the fork server's child, and not init's: what a run has left
behind stays where it can be found, and its zombies are reaped also where process 1 reaps nobody.
"""

import gc
import sys
import warnings
from types import TracebackType

from workflows.runtime.belonging import adopt_orphans

gc.disable()  # until a child begins: what is imported is no garbage
adopt_orphans()
# It reaps them, and would say of each on stderr that it does not know it.
warnings.filterwarnings("ignore", message="forkserver: waitpid returned unexpected pid")


def _unsaid(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    # A server that was killed after it had asked for a process and before it said for which: its
    # log would get a trace from each of the two that waited. Its successor starts that run.
    if not issubclass(kind, EOFError):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _unsaid

"""What makes a fork server a good parent. For its preload alone: it changes whoever imports it.

A process whose parent died becomes the fork server's child, and not init's: what a run has left
behind stays where it can be found, and its zombies are reaped also where process 1 reaps nobody.
"""

import warnings

from workflows.runtime.belonging import adopt_orphans

adopt_orphans()
# It reaps them, and would say of each on stderr that it does not know it.
warnings.filterwarnings("ignore", message="forkserver: waitpid returned unexpected pid")

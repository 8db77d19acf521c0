"""The end of a fork server's imports: nothing of them is garbage. For its preload alone.

The garbage collector of a child would look at everything that was imported, and by looking write to
it: each page that it shares with the fork server would be copied, in the run's first moments.
"""

import gc

gc.freeze()

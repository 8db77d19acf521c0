"""A module that leaves text in the fork server's buffers, for every child to inherit."""

import ctypes
import sys

sys.stdout.write("printed by nobody's run")
ctypes.CDLL(None).printf(b"nor this")

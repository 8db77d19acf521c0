"""Sessions: a log that anyone may follow, from before its first event to long after its last.

``hub``           finds, creates, holds and lets go of sessions
``session``       one of them in memory: where its log stands, who reads it
``audience``      who reads it, and how what was committed reaches them
``crowd``         the live ones that are written the same bytes
``opening``       where a reader starts (pure)
``subscription``  a connected reader: catch-up, live, closed
``log``           what that needs of its session (guarantees only)
``bye``           why its stream ends (pure)
``carrier``       a connection that carries many of them
``visit``         a reader's visit, from its wish to its ``bye``
``pace``          telling a slow reader from a dead one (pure)
``polling``       a reader that comes and asks
``pulse``         what happens because time passes
``admission``     whether a request becomes a run
``diagnosis``     why a reader may be seeing nothing (pure)
"""

"""After a failed commit: is the disk to be trusted again, and is the journal where we think it is?

When a sync fails, the commit's frames may lie in the write-ahead log whole. SQLite does not count
them, the next commit is written over them; but a crash before that would find them there and count
them in: a run would start that was refused, offsets would be given that somebody else has. Nor can
the sync be asked again: the kernel forgets what it could not write, and the second answer is "done"
(https://wiki.postgresql.org/wiki/Fsync_Errors).

So the connection with all that it remembers is given up, a new one looks at the journal's end, and
commits nothing: page 1 as it was. That lies where the failed commit lay, so even if its own sync
fails too, no crash of the server brings the old one back; when its sync does not fail, nothing
does. Only then does anyone hear that an append was not kept.
"""

import apsw

from server.eventlog.duress import Fault
from server.eventlog.schema import FORMAT


def prove(connection: apsw.Connection, end: int) -> None:
    """Commit nothing, durably; raises :class:`Fault` if the journal goes beyond ``end``."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Setting it to what it is writes its page all the same.
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        found = connection.execute("SELECT max(position) FROM journal").get or 0
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    if found > end:
        raise Fault(
            f"the journal has row {found}, and row {end} was the last that was acknowledged:"
            " restart the server, which reads it anew"
        )

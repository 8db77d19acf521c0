"""What the kernel holds for a server's connections: ss(8), of iproute2."""

import re
import shutil
import subprocess

QUEUED = re.compile(r"skmem:\(.*?,w(\d+),")


def lacking() -> str:
    """Why nothing can be told on this machine, or nothing."""
    return "" if shutil.which("ss") else "ss is missing: install iproute2"


def queued(port: int) -> int:
    """Bytes of kernel memory that the send queues of a port's connections take."""
    told = subprocess.run(
        ["ss", "-tnmH", "sport", "=", f":{port}"], capture_output=True, text=True, check=True
    )
    return sum(map(int, QUEUED.findall(told.stdout)))

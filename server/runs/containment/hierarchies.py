"""Where this machine has control groups, from what the kernel says of it. Pure.

Two versions may be there side by side (cgroups(7)): the *unified* one holds every process in one
tree and can end all of a group at once; of the older one there is a tree for each controller. A
tree is known here by its controller's name, the unified one by ``""``, as in ``/proc/PID/cgroup``.
"""

import os.path
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

UNIFIED = ""


class Mount(NamedTuple):
    """One tree: which of its groups is mounted where."""

    root: str
    point: Path


def mounts(mountinfo: str) -> dict[str, Mount]:
    """Read ``/proc/self/mountinfo`` (proc_pid_mountinfo(5)); what is mounted last counts."""
    found: dict[str, Mount] = {}
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        kind, _, source_and_options = rest.partition(" ")
        place = fields.split()
        if len(place) < 5 or kind not in {"cgroup", "cgroup2"}:
            continue
        mount = Mount(_plain(place[3]), Path(_plain(place[4])))
        options = source_and_options.rpartition(" ")[2].split(",")
        names = [UNIFIED] if kind == "cgroup2" else options
        found.update(dict.fromkeys(names, mount))
    return found


def groups(membership: str) -> dict[str, str]:
    """Read ``/proc/PID/cgroup``: tree → the path of the process's group in it."""
    found: dict[str, str] = {}
    for line in membership.splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        found.update(dict.fromkeys(names.split(","), path))
    return found


def directories(mounted: Mapping[str, Mount], membership: str) -> dict[str, Path]:
    """Tree → directory of a process's group; without those that are mounted out of sight."""
    found = {}
    for name, path in groups(membership).items():
        mount = mounted.get(name)
        if mount is None or path.startswith("/.."):  # outside of our namespace
            continue
        inside = os.path.relpath(path, mount.root)
        if not inside.startswith(".."):
            found[name] = mount.point / inside
    return found


def _plain(field: str) -> str:
    """Undo the octal escapes of blanks."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)

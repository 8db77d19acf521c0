"""Where control groups are, as the kernel says it on machines of all kinds."""

from pathlib import Path

import pytest

from server.runs.containment.hierarchies import directories, mounts

HYBRID = r"""
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
BOUND = r"30 23 0:26 /docker/c0ffee /a\040place rw - cgroup2 cgroup rw" + "\n"
NONE = "23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"

TABLE = [
    ("both versions", HYBRID, "4:memory:/jobs/7\n1:cpu,cpuacct:/\n0::/x\n",
     {"": "/sys/fs/cgroup/unified/x", "memory": "/sys/fs/cgroup/memory/jobs/7",
      "cpu": "/sys/fs/cgroup/cpu,cpuacct", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct"}),
    ("one tree", UNIFIED, "0::/system.slice/keep.service/server\n",
     {"": "/sys/fs/cgroup/system.slice/keep.service/server"}),
    ("a part of the tree", BOUND, "0::/docker/c0ffee/x\n", {"": "/a place/x"}),
    ("another part of the tree", BOUND, "0::/docker/tea\n", {}),
    ("outside of our namespace", UNIFIED, "0::/../other\n", {}),
    ("a colon in the name", UNIFIED, "0::/a:b\n", {"": "/sys/fs/cgroup/a:b"}),
    ("no tree at all", NONE, "0::/\n", {}),
    ("nothing known", NONE, "", {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mountinfo", "membership", "expected"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_directories(mountinfo: str, membership: str, expected: dict[str, str]) -> None:
    """A group's directory follows from the mounts and the group's path, or is out of sight."""
    found = directories(mounts(mountinfo), membership)
    assert found == {name: Path(path) for name, path in expected.items()}

"""The link that can go down is one between two machines that only the harness is on."""

import socket
import subprocess
import time
from pathlib import Path

import pytest

from chaos import namespace
from chaos.namespace import Namespace
from tests.system.patience import until

pytestmark = pytest.mark.skipif(bool(namespace.lacking()), reason=namespace.lacking())


def test_a_link_is_no_change_of_this_machines_network() -> None:
    """Nothing here sees it come, fall or go: a browser that did would break off its requests."""
    watching = ["ip", "monitor", "link", "address"]
    with subprocess.Popen(watching, stdout=subprocess.PIPE, text=True) as monitor:
        until(lambda: _listens(monitor.pid), "the monitor's netlink socket")
        with Namespace() as there:
            there.down()
            there.up()
        time.sleep(0.2)  # that nothing is told can't be waited for
        monitor.terminate()
        told, _ = monitor.communicate()
    assert told == ""


def test_the_far_side_reaches_the_near_one_while_the_link_is_up() -> None:
    """A socket made there connects to one made here; with the link down nothing gets through."""
    with Namespace() as there, socket.socket() as listener, there.socket() as peer:
        listener.bind((there.near, 0))
        listener.listen()
        peer.settimeout(10)
        peer.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(0.5)
            peer.sendall(b"up")
            assert accepted.recv(10) == b"up"
            there.down()
            peer.sendall(b"down")
            with pytest.raises(TimeoutError):
                accepted.recv(10)


def _listens(pid: int) -> bool:
    """Whether it has a socket of the family that tells of links, which is numbered 0."""
    sockets = Path("/proc/net/netlink").read_text().splitlines()
    return any(line.split()[1:3] == ["0", str(pid)] for line in sockets)

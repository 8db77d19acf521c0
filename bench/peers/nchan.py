"""nchan in nginx: C, messages in shared memory, nothing on disk. One worker, one core."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.events import masked
from bench.machine import SERVER_CORE, descendants, pinned
from bench.peers import Peer
from bench.readers import Address, subscribe, upgrade

MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
CONFIGURATION = """
load_module {module};
daemon off;
worker_processes 1;
error_log stderr crit;
pid {folder}/pid;
events {{ worker_connections 32768; }}
http {{
  access_log off;
  nchan_max_reserved_memory 512M;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location ~ ^/(?:ws|sse)/(\\d+)$ {{
      nchan_subscriber websocket eventsource;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }}
    location ~ ^/publish/(\\d+)$ {{
      nchan_publisher websocket http;
      nchan_channel_id $1;
      nchan_message_buffer_length 1000;
      nchan_message_timeout 1h;
    }}
  }}
}}
"""


def lacking() -> str:
    """What is not installed."""
    if not shutil.which("nginx"):
        return "nginx is not installed"
    return "" if MODULE.is_file() else "libnginx-mod-nchan is not installed"


def version() -> str:
    """Of Debian's package."""
    asked = ["dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return found.partition(":")[2].partition("+")[0] or "?"


@contextmanager
def nchan(reader: Callable[[Address, str], socket.socket], path: str) -> Iterator[Peer]:
    """A running one, whose readers connect by ``reader`` at ``path``."""
    with tempfile.TemporaryDirectory(prefix="peer") as folder:
        Path(folder).chmod(0o777)  # the worker is another user
        address = ("127.0.0.1", _free_port())
        configuration = Path(folder) / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(module=MODULE, folder=folder, port=address[1])
        )
        command = ["nginx", "-c", str(configuration), "-p", folder, "-e", "stderr"]
        process = subprocess.Popen(pinned(command, SERVER_CORE))
        try:
            _wait(address, process)
            yield Peer(
                descendants(process.pid),
                lambda session: reader(address, f"{path}{session}"),
                lambda session: upgrade(address, f"/publish/{session}"),
                masked,
            )
        finally:
            process.terminate()
            process.wait()


def websockets(_sessions: int) -> AbstractContextManager[Peer]:
    """With WebSocket readers."""
    return nchan(upgrade, "/ws/")


def event_streams(_sessions: int) -> AbstractContextManager[Peer]:
    """With readers of its EventSource."""
    return nchan(subscribe, "/sse/")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait(address: Address, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(address).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit("nginx did not start")

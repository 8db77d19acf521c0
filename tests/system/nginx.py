"""A real nginx of one's own: an ordinary process, its prefix in the test's folder."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.patience import PATIENCE, until

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

CONF = """
daemon off;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log info;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {prefix}/body;
    proxy_temp_path {prefix}/proxy;
    fastcgi_temp_path {prefix}/fastcgi;
    uwsgi_temp_path {prefix}/uwsgi;
    scgi_temp_path {prefix}/scgi;
    {servers}
}}
"""
SERVER = "server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}\n"
LOCATIONS = {
    # One line, as people write it: HTTP/1.0 upstream, buffering on, 60 s read timeout.
    "defaults": "proxy_pass http://127.0.0.1:{upstream};",
    "upgrade": """
        proxy_pass http://127.0.0.1:{upstream};
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection "upgrade";
        proxy_set_header Host $http_host;""",
    "buffering": """
        proxy_pass http://127.0.0.1:{upstream};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering on;
        proxy_buffers 64 64k;
        proxy_busy_buffers_size 128k;""",
    "no_upgrade": """
        if ($http_upgrade) {{ return 403; }}
        proxy_pass http://127.0.0.1:{upstream};""",
}


@contextmanager
def nginx(prefix: Path, upstream: int) -> Iterator[dict[str, str]]:
    """Run nginx before the server on port `upstream`; yield the url of each way of LOCATIONS."""
    assert NGINX is not None
    prefix.mkdir()
    ports = dict(zip(LOCATIONS, free_ports(len(LOCATIONS)), strict=True))
    servers = "".join(
        SERVER.format(port=ports[name], location=location.format(upstream=upstream))
        for name, location in LOCATIONS.items()
    )
    conf = prefix / "nginx.conf"
    conf.write_text(CONF.format(prefix=prefix, servers=servers))
    with (prefix / "said").open("wb") as said:
        process = subprocess.Popen(
            [NGINX, "-p", str(prefix), "-c", str(conf), "-e", str(prefix / "error.log")],
            stdout=said,
            stderr=said,
        )
    try:
        for port in ports.values():
            until(lambda port=port: answers(port), f"nginx on {port}")  # type: ignore[misc]
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def free_ports(number: int) -> list[int]:
    """Return ports that were free a moment ago, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

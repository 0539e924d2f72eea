"""An nginx before a server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.packages import missing
from tests.servers import free_port

START_SECONDS = 10

#: Buffering is on, as it is where nothing is said of it. The rest is about where files go.
CONFIGURATION = """\
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.txt;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port}{how};
        {settings}
        location / {{ proxy_pass http://{upstream}; }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, upstream: str, *, how: str = "", settings: str = "") -> Iterator[int]:
    """The port of an nginx before a server; how it listens (`` ssl``), and more of its settings."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("nginx is not installed here: apt-get install nginx")
    port, file = free_port(), folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # else it may not into the test's folder
    words = {"user": user, "port": port, "upstream": upstream, "how": how, "settings": settings}
    file.write_text(CONFIGURATION.format(folder=folder, **words))
    with subprocess.Popen([program, "-c", str(file), "-e", str(folder / "error.txt")]) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _listens(port):
                text = (folder / "error.txt").read_text() if process.poll() is not None else None
                assert text is None, text
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True

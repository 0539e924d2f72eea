"""A publisher, in a process of its own: ``python -m benchmarks.streaming.publish < SPEC``.

SPEC is JSON: ``way`` and what it needs (below), ``jobs`` (a list of names, events go to them
in turn), ``rate`` (events a second in all), ``count`` (events in all), ``first`` (the number
of each job's first event), ``size`` (bytes added to each). Every event is the document that
Earmark has for an item, and its label says when it was published, and its number.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from progress.events import ItemStatus
from progress.log import JobRef
from progress.redis import RedisLog
from progress.reports import ItemReport, head, item_json
from progress.wire import iso_utc

#: Publishes a report as one event of the job of a name.
Way = Callable[[Any, ItemReport], None]


def _document(report: ItemReport, name: Any) -> bytes:
    return item_json(report, head(str(name), 1), iso_utc(report.at).encode())


def log_way(spec: dict[str, Any]) -> Way:
    """Earmark's log, as a task's reporter appends to it. A name is an account and a job id."""
    log = RedisLog(spec["url"])

    def publish(name: Any, report: ItemReport) -> None:
        log.append(JobRef(*name), [report], attempt=1)

    return publish


def post_way(spec: dict[str, Any]) -> Way:
    """A POST for each event, over one connection. A name is a path."""
    connection = socket.create_connection(("127.0.0.1", spec["port"]))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def publish(name: Any, report: ItemReport) -> None:
        body = _document(report, name)
        connection.sendall(
            b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (str(name).encode(), len(body), body)
        )
        _read_answer(connection)

    return publish


def _read_answer(connection: socket.socket) -> None:
    got = b""
    while b"\r\n\r\n" not in got:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionError(f"the server ended the publisher's connection after {got!r}")
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 20"):
        raise ConnectionError(f"the server refused an event: {got!r}")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65_536)


def flask_sse_way(spec: dict[str, Any]) -> Way:
    """flask-sse's own `publish`, which is a PUBLISH in Redis. A name is a channel."""
    import redis

    client = redis.Redis.from_url(spec["url"])

    def publish(name: Any, report: ItemReport) -> None:
        data = json.loads(_document(report, name))
        client.publish(name, json.dumps({"data": data}))

    return publish


WAYS = {"log": log_way, "post": post_way, "flask-sse": flask_sse_way}


def run(spec: dict[str, Any]) -> dict[str, float]:
    """Publish at an even pace; an event that is late is not left out."""
    publish = WAYS[spec["way"]](spec)
    jobs, filling = spec["jobs"], "." * spec["size"]
    began = time.perf_counter()
    late = 0.0
    for number in range(spec["count"]):
        seq, place = divmod(number, len(jobs))
        due = began + number / spec["rate"]
        rest = due - time.perf_counter()
        if rest > 0:
            time.sleep(rest)
        late = max(late, -rest)
        seq += spec["first"]
        label = f"@{time.monotonic_ns()}.{seq}@{filling}"
        report = ItemReport(str(seq), "song", ItemStatus.QUEUED, time.time(), label)
        publish(jobs[place], report)
    return {"seconds": time.perf_counter() - began, "late_ms": late * 1e3}


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.stdin.read()))))

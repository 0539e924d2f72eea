"""Asks a site for a page at an even pace: ``python -m benchmarks.streaming.pages < SPEC``.

SPEC is JSON: ``port``, ``path``, ``headers``, ``rate`` (pages a second), ``seconds``, and
``give_up``, the seconds after which a page that has not come is an error. The time
of a page counts from when it was due, so that a server that stands still is not forgiven. Answers
are only looked into as far as must be: what asks takes its time from the same processors.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from typing import Any

CONNECTIONS = 16

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


class Asker:
    """A connection that is kept alive."""

    def __init__(self, port: int, path: str, headers: list[str], give_up: float) -> None:
        self._port, self._give_up = port, give_up
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: earmark-load", *headers]
        self._request = "\r\n".join([*lines, "", ""]).encode()
        self._socket: socket.socket | None = None

    def ask(self) -> bytes:
        """The status of the answer, which is read whole.

        Raises:
            OSError: there was none.
        """
        if self._socket is None:
            self._socket = socket.create_connection(
                ("127.0.0.1", self._port), timeout=self._give_up
            )
        self._socket.sendall(self._request)
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._receive()
        found = _LENGTH.search(got, 0, end + 2)
        if found is None:
            raise ConnectionError(f"a page's answer says how long it is: {got[:end]!r}")
        missing = int(found[1]) - (len(got) - end - 4)
        while missing > 0:
            missing -= len(self._receive())
        if b"connection: close" in got[:end].lower():
            self.close()
        return got[9:12]

    def _receive(self) -> bytes:
        assert self._socket is not None
        got = self._socket.recv(65_536)
        if not got:
            raise ConnectionError("the server ended the connection")
        return got

    def close(self) -> None:
        """The next question is asked over another connection."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def run(spec: dict[str, Any]) -> dict[str, float]:
    """``page_p50_ms``, ``page_p95_ms``, ``pages_per_s`` and ``page_errors``."""
    times: list[float] = []
    errors: list[str] = []
    count = int(spec["rate"] * spec["seconds"])
    numbers = iter(range(count))
    lock = threading.Lock()
    began = time.perf_counter()

    def work() -> None:
        asker = Asker(spec["port"], spec["path"], spec["headers"], spec["give_up"])
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                asker.close()
                return
            due = began + number / spec["rate"]
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                status = asker.ask()
            except OSError as error:
                errors.append(str(error))
                asker.close()
                continue
            if status != b"200":
                errors.append(status.decode())
            times.append((time.perf_counter() - due) * 1e3)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lasted = time.perf_counter() - began
    times.sort()
    if not times:
        return {"page_errors": len(errors), "pages_per_s": 0.0}
    return {
        "page_p50_ms": times[len(times) // 2],
        "page_p95_ms": times[int(len(times) * 0.95)],
        "pages_per_s": len(times) / lasted,
        "page_errors": len(errors),
    }


if __name__ == "__main__":
    print(json.dumps(run(json.loads(sys.stdin.read()))))

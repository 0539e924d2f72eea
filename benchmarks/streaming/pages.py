"""Asks a site for a page at an even pace: ``python -m benchmarks.streaming.pages < SPEC``.

SPEC is JSON: ``port``, ``path``, ``headers``, ``rate`` (pages a second), ``seconds``. The time
of a page counts from when it was due, so that a server that stands still is not forgiven.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from typing import Any

CONNECTIONS = 16


def run(spec: dict[str, Any]) -> dict[str, float]:
    """``page_p50_ms``, ``page_p95_ms``, ``pages_per_s`` and ``page_errors``."""
    headers = dict(line.split(": ", 1) for line in spec["headers"])
    headers["User-Agent"] = "earmark-load"
    times: list[float] = []
    errors: list[str] = []
    count = int(spec["rate"] * spec["seconds"])
    numbers = iter(range(count))
    lock = threading.Lock()
    began = time.perf_counter()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", spec["port"], timeout=30)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            due = began + number / spec["rate"]
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                connection.request("GET", spec["path"], headers=headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                errors.append(str(error))
                connection.close()
                continue
            if answer.status != http.client.OK:
                errors.append(str(answer.status))
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

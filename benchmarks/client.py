"""How large the browser's half is, and whether a page keeps its frames under a load of events.

Sizes are of one file each, minified (esbuild, then terser) and by gzip at level 9. For the frames,
a server sends the item events of one job at a fixed rate, and headless Chromium folds and shows
all of them: the element, and below it the items in progress and the failed ones. `frame_ms_max` is
the longest time between two frames, from the first event to the last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks._table import tell
from tests import client
from tests.conftest import CHROMIUM_ARGUMENTS, chromium_program

#: The server writes once in this many seconds, as a hub that joins events does.
WRITE_SECONDS = 0.01
AT = "2026-01-31T12:00:00.000Z"

#: What the parts may be by gzip, in bytes.
BARS = {"core": 4_096, "all but React": 10_240, "the run's picture": 12_288}


def sizes() -> Iterator[dict[str, object]]:
    """A row for each part that can be loaded by itself."""
    told = json.loads(client.run(["node", "scripts/sizes.mjs"], seconds=60))
    for who, size in told.items():
        yield {
            "bench": "client",
            "who": who,
            "bytes_min": size["min"],
            "bytes_min_gzip": size["gzip"],
            "bar": BARS.get(who),
        }


def frames_of(per_second: int, seconds: float) -> Iterator[bytes]:
    """The writes of a stream: a snapshot, the items' events, the end."""
    job = {"jobId": "bench", "at": AT, "attempt": 1}
    seq = 1

    def frame(event: dict[str, Any]) -> bytes:
        return b"id: 1-%d\ndata: %b\n\n" % (seq, json.dumps(event).encode())

    empty = {"progress": None, "itemsInProgress": [], "failedItems": []}
    yield b"retry: 1000\n\n" + frame({"type": "snapshot", **job, "status": "running", **empty})
    share = round(per_second * WRITE_SECONDS)
    for turn in range(round(seconds / WRITE_SECONDS)):
        write = b""
        for number in range(turn * share, (turn + 1) * share):
            seq += 1
            # Each item begins, and ends later, one in eight without success.
            begins = number % 2 == 0
            name = str(number // 2 if begins else max(0, number // 2 - 10))
            ends = "failed" if number % 16 == 1 else "succeeded"
            event = {
                "type": "item",
                **job,
                "itemId": name,
                "itemKind": "song",
                "status": "in_progress" if begins else ends,
                "label": f"Song {name}",
            }
            write += frame(event)
        seq += 1
        done = (turn + 1) * share // 2
        counts = {"done": done, "total": None, "succeeded": done, "failed": 0, "fraction": None}
        yield write + frame({"type": "progress", **job, **counts})
    seq += 1
    yield frame({"type": "status", **job, "status": "completed"})


def serve(folder: Path, writes: list[bytes]) -> ThreadingHTTPServer:
    """A server of a folder's files and of one stream."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/api/jobs/bench/progress":
                self._stream()
                return
            file = folder / self.path.removeprefix("/")
            body = file.read_bytes() if file.is_file() else b""
            self.send_response(200 if body else 404)
            kind = "text/javascript" if file.suffix == ".js" else "text/html"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            began = time.monotonic()
            for turn, write in enumerate(writes):
                time.sleep(max(0.0, began + turn * WRITE_SECONDS - time.monotonic()))
                self.wfile.write(write)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def load(browser: Browser, folder: Path, per_second: int, seconds: float) -> dict[str, object]:
    """One run of the page."""
    server = serve(folder, list(frames_of(per_second, seconds)))
    try:
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/frames.html")
            page.locator("job-progress[data-status=completed]").wait_for(
                state="attached", timeout=(seconds * 4 + 20) * 1000
            )
            found = page.evaluate("measured")
    finally:
        server.shutdown()
        server.server_close()
    frames = sorted(found["frames"])
    took = (found["lastAt"] - found["firstAt"]) / 1000
    return {
        "bench": "client",
        "who": "frames",
        "asked_per_second": per_second,
        "events": found["events"],
        "events_per_second": (found["events"] - 1) / took,
        "frames": len(frames),
        "frame_ms_p50": statistics.median(frames),
        "frame_ms_p99": frames[int(len(frames) * 0.99)],
        "frame_ms_max": frames[-1],
        "frames_over_50_ms": sum(each > 50 for each in frames),
        "long_tasks": found["longTasks"],
    }


def picture(browser: Browser, folder: Path) -> dict[str, object]:
    """How long a run of 3 attempts of 60 parts is drawn, and an event of 2,000 looked at."""
    server = serve(folder, [])
    try:
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/run.html")
            page.wait_for_function("globalThis.measured")
            found = page.evaluate("measured")
    finally:
        server.shutdown()
        server.server_close()
    draws, looks = sorted(found["draws"]), sorted(found["looks"])
    return {
        "bench": "client",
        "who": "the run's picture",
        "draw_ms_p50": statistics.median(draws),
        "draw_ms_max": draws[-1],
        "look_ms_p50": statistics.median(looks),
        "look_ms_p99": looks[int(len(looks) * 0.99)],
        "look_ms_max": looks[-1],
    }


def main() -> None:
    """Measure the sizes, the picture of a run, and then the frames under each rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rates", type=int, nargs="*", default=[1_000, 10_000, 20_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    client.install()
    with tempfile.TemporaryDirectory(prefix="earmark-client-") as name:
        folder = Path(name)
        tell("Size of the client", list(sizes()))
        client.bundle("bench/frames.ts", folder, "--minify")
        client.bundle("bench/run.ts", folder, "--minify")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium_program(), args=CHROMIUM_ARGUMENTS
            )
            tell("The picture of a run", [picture(browser, folder)])
            rows = [
                load(browser, folder, rate, options.seconds)
                for rate in options.rates
                for _ in range(options.rounds)
            ]
            browser.close()
    tell("Frames of a page that shows a busy job", rows)


if __name__ == "__main__":
    main()

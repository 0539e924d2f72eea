"""The streaming benchmark: its load generator finds what is wrong, and its rows are whole."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.streaming.generator import Generator, Target
from benchmarks.streaming.machine import Missing, compile_c

ROOT = Path(__file__).parents[3]
EVENT = b'id: %d\ndata: {"label":"@%d.%d@"}\n\n'
SNAPSHOT = b'id: 9\ndata: {"type":"snapshot","label":"@1.9@"}\n\n'


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    try:
        compile_c("load", folder)
    except Missing as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))
    return folder


def events(*numbers: int) -> bytes:
    return b"".join(EVENT % (number, time.monotonic_ns(), number) for number in numbers)


@contextmanager
def server(body: bytes, *, status: int = 200, chunk: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Says one thing to everyone, in pieces of a size if chunked, and keeps the stream open.

    Gives its port, and the cursors that clients came with.
    """
    cursors: list[str] = []
    is_over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            cursors.append(self.headers.get("Last-Event-ID", ""))
            self.send_response(status)
            if chunk:
                self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            if chunk:
                for at in range(0, len(body), chunk):
                    piece = body[at : at + chunk]
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            else:
                self.wfile.write(body)
            is_over.wait(10)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield httpd.server_port, cursors
        finally:
            is_over.set()
            httpd.shutdown()
            thread.join()


def report(programs: Path, body: bytes, *, seq: int, streams: int = 3, chunk: int = 0) -> dict:
    with server(body, chunk=chunk) as (port, _):
        targets = [Target("127.0.0.1", "/x")] * streams
        with Generator(programs / "load", port, targets) as generator:
            assert generator.open(seconds=5)["opened"] == streams
            generator.wait_for(seq=seq, seconds=0.5)
            return generator.report(seq=seq)


def counts(found: dict) -> dict[str, int]:
    names = ("deliveries", "lost", "duplicated", "disordered")
    return {name: found[name] for name in names}


def none(**but: int) -> dict[str, int]:
    return {"deliveries": 0, "lost": 0, "duplicated": 0, "disordered": 0} | but


def test_a_right_stream_has_nothing_wrong(programs: Path) -> None:
    found = report(programs, SNAPSHOT + events(1, 2, 3), seq=3)
    assert counts(found) == none(deliveries=9)
    assert found["snapshots"] == 3
    assert 0 < found["p50_ms"] <= found["p99_ms"] < 5_000


@pytest.mark.parametrize("chunk", [1, 7, 40])
def test_chunks_that_cut_lines_change_nothing(programs: Path, chunk: int) -> None:
    found = report(programs, events(1, 2, 3), seq=3, chunk=chunk)
    assert counts(found) == none(deliveries=9)


@pytest.mark.parametrize(
    ("numbers", "wrong"),
    [
        ((1, 3, 4), {"lost": 1}),
        ((2, 3, 4), {"lost": 1}),
        ((1, 2), {"lost": 2}),
        ((1, 2, 2, 3, 4), {"duplicated": 1}),
        ((1, 2, 3, 4, 1), {"duplicated": 1}),
        ((1, 3, 2, 4), {"disordered": 1}),
    ],
)
def test_planted_faults_are_found_on_every_stream(
    programs: Path, numbers: tuple[int, ...], wrong: dict[str, int]
) -> None:
    found = report(programs, events(*numbers), seq=4, streams=2)
    planted = {name: times * 2 for name, times in wrong.items()}
    assert counts(found) == none(deliveries=len(numbers) * 2, **planted)


def test_streams_come_back_with_the_last_id_they_saw(programs: Path) -> None:
    with server(events(1, 2, 3)) as (port, cursors):
        targets = [Target("127.0.0.1", "/x")] * 4
        with Generator(programs / "load", port, targets) as generator:
            generator.open(seconds=5)
            assert generator.wait_for(seq=3, seconds=5)["arrived"]
            generator.drop()
            assert generator.open(seconds=5)["opened"] == 4
    assert sorted(cursors) == [""] * 4 + ["3"] * 4


def test_a_refused_stream_is_an_error_and_not_open(programs: Path) -> None:
    with (
        server(b"", status=503) as (port, _),
        Generator(programs / "load", port, [Target("127.0.0.1", "/x")]) as generator,
    ):
        opened = generator.open(seconds=2)
    assert opened["opened"] == 0
    assert opened["errors"] >= 1


@pytest.mark.usefixtures("programs")
def test_rows_have_their_fields() -> None:
    options = ["--scenarios", "many", "--who", "earmark;C", "--rounds", "1"]
    command = [sys.executable, "-m", "benchmarks.stream", *options]
    ran = subprocess.run(
        [*command, "--seconds", "0.3", "--scale", "0.01"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(row["who"], row["streams"]) for row in rows] == [
        (who, streams) for streams in (20, 20) for who in ("earmark", "C")
    ]
    for row in rows:
        assert "note" not in row
        assert row["bench"] == "stream"
        assert row["scenario"] == "many"
        assert row["lost"] == row["duplicated"] == row["disordered"] == row["errors"] == 0
        assert 0 < row["p50_ms"] <= row["p99_ms"]
        assert row["cpu_us_per_delivery"] >= 0

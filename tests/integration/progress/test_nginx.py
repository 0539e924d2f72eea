"""An nginx that is told only where to pass requests on does not hold a stream back."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from progress.testing import entries_of, fresh_ref, item, status
from tests.packages import missing
from tests.servers import Server, free_port

from .gunicorns import Site, answers, gunicorn, tcp, wait_until

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
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://{upstream}; }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[int]:
    """The port of an nginx before a server."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("nginx is not installed here: apt-get install nginx")
    port, file = free_port(), folder / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # else it may not into the test's folder
    file.write_text(CONFIGURATION.format(user=user, folder=folder, port=port, upstream=upstream))
    with subprocess.Popen([program, "-c", str(file), "-e", str(folder / "error.txt")]) as process:
        try:
            wait_until(lambda: process.poll() is not None or answers(port))
            assert process.poll() is None, (folder / "error.txt").read_text()
            yield port
        finally:
            process.terminate()


@pytest.fixture(scope="module", params=["TCP", "a Unix socket"])
def behind(
    request: pytest.FixtureRequest, valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A gunicorn that is read from through an nginx."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    # One worker, so that its connection to the streamer is counted once and for all.
    options = ["--workers=1", f"--bind=127.0.0.1:{port}", f"--bind=unix:{folder}/g.sock"]
    upstream = f"127.0.0.1:{port}" if request.param == "TCP" else f"unix:{folder}/g.sock:"
    with (
        gunicorn(folder, valkey_server, "gthread", *options, port=port) as site,
        nginx(folder, upstream) as outside,
    ):
        through = replace(site, connect=tcp(outside), connections=[], responses=[])
        ref = fresh_ref()
        site.log.append(ref, [status("completed")], attempt=1)
        through.stream(ref).read_to_the_end()  # the streamer connects to its log with the first
        yield through
        for found in (*through.responses, *through.connections):
            found.close()


def test_events_come_through_at_once_and_the_stream_ends_with_its_job(behind: Site) -> None:
    ref, before = fresh_ref(), behind.held()
    behind.log.append(ref, [status("running")], attempt=1)
    asked_at = time.monotonic()
    streams = [behind.stream(ref) for _ in range(20)]
    for stream in streams:
        stream.read_until(1)
    assert time.monotonic() - asked_at < 2
    assert behind.held() >= before + 20
    assert streams[0].response.headers["Content-Type"].startswith("text/event-stream")
    for number in range(3):
        written_at = time.monotonic()
        behind.log.append(ref, [item(str(number), "succeeded")], attempt=1)
        last = entries_of(behind.log, ref)[-1].cursor.seq
        for stream in streams:
            stream.read_until(last)
        assert time.monotonic() - written_at < 1
    behind.log.append(ref, [status("completed")], attempt=1)
    last = entries_of(behind.log, ref)[-1].cursor.seq
    for stream in streams:
        stream.read_to_the_end()
        assert stream.ids == list(range(1, last + 1))
    wait_until(lambda: behind.held() <= before)


def test_a_client_that_leaves_nginx_gives_its_stream_back(behind: Site) -> None:
    ref, before = fresh_ref(), behind.held()
    behind.log.append(ref, [status("running")], attempt=1)
    connection = behind.connect()
    stream = behind.stream(ref, over=connection)
    stream.read_until(1)
    assert behind.held() > before
    stream.response.close()
    connection.close()
    wait_until(lambda: behind.held() <= before)

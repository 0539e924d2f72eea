"""The README's example runs as it stands there."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from tests.servers import Server, free_port, valkey
from tests.sse import Parser
from tests.workers import worker

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
STARTUP_SECONDS = 30


def example() -> str:
    """The one block of Python."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return str(block)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test's own: another worker on its queue would take the example's task."""
    with valkey() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    """The example as a file, with the server of the tests for the one on its usual port."""
    there = "redis://localhost:6379/0"
    assert example().count(there) == 2
    (tmp_path / "shop.py").write_text(example().replace(there, server.tcp_url), "utf-8")
    return tmp_path


@pytest.fixture
def site(folder: Path) -> Iterator[int]:
    """The port of the example's site, served as the README says."""
    assert "`flask --app shop run`" in README
    port = free_port()
    command = [sys.executable, "-m", "flask", "--app", "shop", "run", "--port", str(port)]
    with (folder / "site.txt").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
    try:
        _wait_until_listening(port, process, folder / "site.txt")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_listening(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    while b"Running on" not in output.read_bytes():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.05)


def test_the_example_is_short() -> None:
    assert len(example().splitlines()) <= 20


def test_the_example_streams_a_job_to_its_end(folder: Path, site: int, server: Server) -> None:
    assert "`celery -A shop.celery worker`" in README
    path = os.pathsep.join([str(folder), str(ROOT)])
    with worker("shop.celery", folder, {"PYTHONPATH": path}):
        client = Celery("client", broker=server.tcp_url)
        job_id = client.send_task("shop.ship", args=[["apples", "pears", "plums"]]).id
        client.close()
        events = _followed(site, job_id)
    # The worker logs what is printed, each piece as a line of its own.
    assert "pears" in (folder / "worker.txt").read_text()
    assert events[-1]["status"] == "completed"
    progress = [e.get("progress") or e for e in events if e["type"] in ("progress", "snapshot")]
    assert (progress[-1]["done"], progress[-1]["total"], progress[-1]["failed"]) == (3, 3, 0)


def _followed(port: int, job_id: str) -> list[dict[str, object]]:
    """The events of a job, from as soon as it is known to the end of its stream."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=STARTUP_SECONDS)
        connection.request("GET", f"/api/jobs/{job_id}/progress")
        answer = connection.getresponse()
        if answer.status == 200:
            break
        connection.close()
        assert answer.status == 404
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parser = Parser()
    while data := answer.read1(65_536):
        parser.feed(data)
    connection.close()
    return [json.loads(document) for _, document in parser.events]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)", README))))
def test_each_command_of_the_readme_is_in_the_makefile(target: str) -> None:
    assert re.search(rf"^{target}:.*##", MAKEFILE, re.MULTILINE), f"make {target}"


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"\bmake [a-z-]+ ([A-Z]+)=", README))))
def test_each_variable_of_the_readme_is_handed_on(variable: str) -> None:
    (exported,) = re.findall(r"^export (.*)$", MAKEFILE, re.MULTILINE)
    assert variable in exported.split()


def test_there_are_commands_in_the_readme() -> None:
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) >= {"run", "test"}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", README))))
def test_each_file_that_the_readme_links_to_is_there(link: str) -> None:
    assert (ROOT / link).exists()

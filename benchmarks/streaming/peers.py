"""The servers of the benchmark: Earmark, its peers, and the limit in C and in Python."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis as redis_client

from tests.servers import Server, free_port, valkey

from . import site
from .generator import Target, address
from .machine import HERE, Missing, family, install_with_apt

NODE = HERE.parent / "node"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is up and has a number of jobs."""

    port: int
    pid: int
    #: The target of a stream: of which job, and from which address.
    target: Callable[[int, str], Target]
    #: What the publisher needs to know: see `publish`.
    publishing: dict[str, Any]
    redis: Server | None = None
    #: A page of the site and the headers that it needs; None for a server without pages.
    page: Target | None = None
    #: Sends one event to every stream: some servers send no head before the first one.
    wake: Callable[[], None] | None = None

    @property
    def pids(self) -> list[int]:
        """All processes of the server, without Redis."""
        return family(self.pid)

    def targets(self, count: int, *, jobs: int) -> list[Target]:
        """Streams that are spread over jobs in turn."""
        return [self.target(number % jobs, address(number)) for number in range(count)]


#: Starts a server that has a number of jobs; the folder is of the compiled programs.
Start = Callable[[int, Path], AbstractContextManager[Running]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to serve streams."""

    name: str
    start: Start
    #: Whether it tells a client that comes back what it missed.
    has_replay: bool = True
    #: Whether it runs on what npm installs.
    from_npm: bool = False
    #: Where it differs from another one; None for everywhere.
    scenarios: frozenset[str] | None = None


@contextmanager
def _process(
    command: Sequence[object], port: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that listens on a port; ended, with its children, afterwards."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            _wait_for(port, process, said)
            yield process
        finally:
            living = family(process.pid)
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pid in living:
                _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def _wait_for(port: int, process: subprocess.Popen[bytes], said: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            said.seek(0)
            words = said.read().decode(errors="replace").split()
            raise Missing(f"it did not start: {' '.join(words)[-200:]}") from None
        else:
            return


def _plain(number: int, source: str) -> Target:
    return Target(source, f"/{number}")


def _posting(port: int, jobs: int) -> dict[str, Any]:
    return {"way": "post", "port": port, "jobs": [f"/{number}" for number in range(jobs)]}


def earmark(*options: str) -> Start:
    """Earmark's site under gunicorn, with sessions and jobs from its database.

    Without options its workers are as it is shipped.
    """

    def start(jobs: int, _: Path) -> AbstractContextManager[Running]:
        return _earmark(jobs, options)

    return start


@contextmanager
def _earmark(jobs: int, options: Sequence[str]) -> Iterator[Running]:
    port = free_port()
    with valkey() as redis, tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        environment = {
            "EARMARK_DATA": folder,
            "DATABASE_URL": f"sqlite:///{folder}/earmark.db",
            "REDIS_URL": redis.tcp_url,
            "SECRET_KEY": "for-this-benchmark-alone-" * 2,
            "PORT": str(port),
        }
        kept = dict(os.environ)
        os.environ.update(environment)
        try:
            app = site.site()
        finally:
            os.environ.clear()
            os.environ.update(kept)
        pairs = site.fill(app, jobs)
        cookies: dict[tuple[int, str], str] = {}

        def target(number: int, source: str) -> Target:
            key = (number, source)
            if key not in cookies:
                cookies[key] = site.cookie(app, pairs[number][0], source)
            return Target(source, f"/api/jobs/{pairs[number][1]}/progress", [cookies[key]])

        page = Target("127.0.0.1", "/jobs", target(0, "127.0.0.1").headers)
        publishing = {"way": "log", "url": redis.url, "jobs": pairs}
        here = [sys.executable, "-m", "gunicorn", "-c", "python:benchmarks.streaming.gunicorn_site"]
        with _process(
            [*here, *options, "benchmarks.streaming.site:site()"], port, environment
        ) as process:
            yield Running(port, process.pid, target, publishing, redis, page)


def taker(*options: str) -> Start:
    """Gunicorn with an application that only takes a stream's descriptor."""

    @contextmanager
    def start(jobs: int, _: Path) -> Iterator[Running]:
        port, module = free_port(), "benchmarks.streaming.taker"
        command = [sys.executable, "-m", "gunicorn", "-c", f"python:{module}", *options]
        with _process([*command, f"--bind=127.0.0.1:{port}", f"{module}:app"], port) as process:
            publishing = {"way": "none", "jobs": [f"/{number}" for number in range(jobs)]}
            yield Running(port, process.pid, _plain, publishing)

    return start


@contextmanager
def limit(jobs: int, programs: Path) -> Iterator[Running]:
    """The bare C program."""
    port = free_port()
    with _process([programs / "limit", port], port) as process:
        yield Running(port, process.pid, _plain, _posting(port, jobs))


@contextmanager
def python_limit(jobs: int, _: Path) -> Iterator[Running]:
    """The bare Python program."""
    port = free_port()
    with _process([sys.executable, "-m", "benchmarks.streaming.limit", port], port) as process:
        yield Running(port, process.pid, _plain, _posting(port, jobs))


_NGINX = """
load_module {module};
worker_processes 1;
worker_rlimit_nofile 65536;
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 30000; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  keepalive_requests 100000000;
  nchan_max_reserved_memory 512M;
  {redis}
  server {{
    listen 127.0.0.1:{port} backlog=8192;
    location ~ ^/(\\d+)$ {{
      nchan_pubsub;
      nchan_publisher http;
      nchan_subscriber eventsource;
      nchan_channel_id $1;
      nchan_message_buffer_length 2000;
      nchan_message_timeout 1h;
      nchan_subscriber_first_message newest;
      {use}
    }}
  }}
}}
"""


def nchan(*, with_redis: bool) -> Callable[[int, Path], AbstractContextManager[Running]]:
    """The nginx module nchan, its messages in its own memory or in Redis."""

    @contextmanager
    def start(jobs: int, _: Path) -> Iterator[Running]:
        if not NCHAN.exists():
            install_with_apt("libnginx-mod-nchan")
        if not (shutil.which("nginx") and NCHAN.exists()):
            raise Missing("nginx with nchan is not installed: apt install libnginx-mod-nchan")
        port = free_port()
        server = valkey() if with_redis else nullcontext(None)
        with server as redis, tempfile.TemporaryDirectory(prefix="nchan-") as folder:
            upstream = f"nchan_redis_server {redis.tcp_url};" if redis else ""
            text = _NGINX.format(
                module=NCHAN,
                folder=folder,
                port=port,
                redis=f"upstream kept {{ {upstream} }}" if redis else "",
                use="nchan_redis_pass kept;" if redis else "",
            )
            Path(folder, "nginx.conf").write_text(text)
            Path(folder).chmod(0o777)
            command = ["nginx", "-p", folder, "-c", f"{folder}/nginx.conf"]
            with _process(command, port) as process:
                yield Running(port, process.pid, _plain, _posting(port, jobs), redis)

    return start


def _installed(package: str) -> None:
    if not (NODE / "node_modules" / package).is_dir():
        raise Missing(f"npm could not install {package}")


def node(script: str, package: str) -> Callable[[int, Path], AbstractContextManager[Running]]:
    """A script on Node, or on Bun where that is the package."""

    @contextmanager
    def start(jobs: int, _: Path) -> Iterator[Running]:
        _installed(package)
        runner = NODE / "node_modules" / ".bin" / "bun" if package == "bun" else "node"
        port = free_port()
        with _process([runner, NODE / script, port], port) as process:
            yield Running(port, process.pid, _plain, _posting(port, jobs))

    return start


@contextmanager
def bullmq(jobs: int, _: Path) -> Iterator[Running]:
    """BullMQ's QueueEvents, relayed with better-sse."""
    _installed("bullmq")
    port = free_port()
    with valkey("--maxmemory-policy", "noeviction") as redis:
        environment = {"REDIS_PORT": str(redis.port)}
        with _process(["node", NODE / "bullmq_relay.mjs", port], port, environment) as process:
            publishing = {"way": "bullmq", "redis": redis.port, "jobs": list(range(jobs))}
            yield Running(port, process.pid, _plain, publishing, redis)


#: The Python peers have an environment of their own: their packages are none of Earmark's.
PEER_PACKAGES = (
    "flask-sse",
    "gevent",
    "gunicorn",
    "packaging",
    "sse-starlette",
    "uvicorn",
    "redis",
    "uvloop",
)


def _peer_python() -> Path:
    """An interpreter with the Python peers, made when first asked for.

    Raises:
        Missing: pip could not install the packages.
    """
    folder = HERE / ".peers"
    python = folder / "bin" / "python"
    stamp = folder / "made"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *PEER_PACKAGES]
        ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        if ran.returncode:
            raise Missing(f"pip could not install the Python peers: {ran.stderr[-200:]}")
        stamp.touch()
    return python


@contextmanager
def flask_sse(jobs: int, _: Path) -> Iterator[Running]:
    """flask-sse on gunicorn's gevent worker."""
    python = _peer_python()
    port = free_port()
    with valkey() as redis:
        environment = {"REDIS_URL": redis.tcp_url, "PYTHONPATH": str(HERE / "python_peers")}
        command = [python, "-m", "gunicorn", "-k", "gevent", "--worker-connections", 20000]
        options = ["--backlog", 8192, "-b", f"127.0.0.1:{port}", "flask_sse_app:app"]
        with _process([*command, *options], port, environment) as process:
            channels = [f"job{number}" for number in range(jobs)]
            publishing = {"way": "flask-sse", "url": redis.url, "jobs": channels}

            def target(number: int, source: str) -> Target:
                return Target(source, f"/stream?channel=job{number}")

            with redis_client.Redis.from_url(redis.url) as client:

                def wake() -> None:
                    pipeline = client.pipeline(transaction=False)
                    for channel in channels:
                        pipeline.publish(channel, '{"data": {}}')
                    pipeline.execute()

                yield Running(port, process.pid, target, publishing, redis, wake=wake)


@contextmanager
def sse_starlette(jobs: int, _: Path) -> Iterator[Running]:
    """sse-starlette on uvicorn, each stream with a queue of its own in memory."""
    python = _peer_python()
    port = free_port()
    environment = {"PYTHONPATH": str(HERE / "python_peers")}
    command = [python, "-m", "uvicorn", "--loop", "uvloop", "--log-level", "error"]
    options = ["--backlog", 8192, "--port", port, "sse_starlette_app:app"]
    with _process([*command, *options], port, environment) as process:
        yield Running(port, process.pid, _plain, _posting(port, jobs))


#: The scenarios whose figures depend on the number and kind of web processes.
_OF_THE_WORKERS = frozenset({"connect", "storm", "busy"})

PEERS = (
    Peer("earmark", earmark()),
    Peer(
        "earmark, 1 process",
        earmark("--workers=1"),
        scenarios=_OF_THE_WORKERS,
    ),
    Peer(
        "earmark, 1 sync",
        earmark("--workers=1", "--worker-class=sync", "--threads=1"),
        scenarios=_OF_THE_WORKERS,
    ),
    Peer("C", limit, has_replay=False),
    Peer(
        "Python, bare", python_limit, has_replay=False, scenarios=frozenset({"broadcast", "many"})
    ),
    Peer("nchan", nchan(with_redis=False)),
    Peer("nchan, Redis", nchan(with_redis=True)),
    Peer("Bun, in memory", node("bun_emitter.mjs", "bun"), from_npm=True),
    Peer("better-sse", node("better_sse.mjs", "better-sse"), has_replay=False, from_npm=True),
    Peer("BullMQ, relayed", bullmq, from_npm=True),
    Peer("flask-sse", flask_sse, has_replay=False),
    Peer("sse-starlette", sse_starlette, has_replay=False),
)


def install_node_peers() -> None:
    """Install what runs on Node beside the scripts that use it; who lacks is told as missing."""
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NODE)]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(json.dumps({"bench": "stream", "note": f"npm: {error}"}), file=sys.stderr)

"""The scenarios: each runs once against a server that is up, and gives figures."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis as redis_client

from .generator import Generator
from .machine import use
from .peers import NODE, Peer, Running

#: A publisher in Python appends about this often a second; more need another one.
RATE_OF_A_PUBLISHER = 2_500
OPEN_SECONDS = 60.0
SETTLE_SECONDS = 1.0
WAKE_SECONDS = 0.3

Figures = dict[str, float]


class Skipped(Exception):
    """A server cannot do what a scenario asks; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A scenario with its sizes."""

    scenario: str
    streams: int
    jobs: int = 1
    #: Events a second in all.
    rate: float = 0.0
    seconds: float = 5.0
    missed: int = 0
    size: int = 0
    #: Pages asked for a second, meanwhile.
    pages: float = 0.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A server that is up, and the programs to load it with."""

    peer: Peer
    server: Running
    programs: Path

    def generator(self, case: Case, *, receive_buffer: int = 0) -> Generator:
        """The case's streams, none open yet."""
        targets = self.server.targets(case.streams, jobs=case.jobs)
        program = self.programs / "load"
        return Generator(program, self.server.port, targets, receive_buffer=receive_buffer)

    def opened(self, generator: Generator, case: Case) -> dict[str, Any]:
        """Open every stream.

        Raises:
            Skipped: the server does not open as many.
        """
        with self._waking():
            opened = generator.open(seconds=OPEN_SECONDS)
        if opened["opened"] < case.streams:
            raise Skipped(f"only {opened['opened']} of {case.streams} streams could be opened")
        return opened

    @contextmanager
    def _waking(self) -> Iterator[None]:
        wake = self.server.wake
        if wake is None:
            yield
            return
        is_over = threading.Event()

        def keep_waking() -> None:
            while not is_over.wait(WAKE_SECONDS):
                wake()

        thread = threading.Thread(target=keep_waking)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    @contextmanager
    def publishing(
        self, case: Case, *, each: int, first: int, rate: float | None = None
    ) -> Iterator[None]:
        """Publish a number of events of each job; waits for the end of it."""
        pace = rate or case.rate
        jobs = self.server.publishing["jobs"]
        command = [sys.executable, "-m", "benchmarks.streaming.publish"]
        parts = min(len(jobs), math.ceil(pace / RATE_OF_A_PUBLISHER))
        if self.server.publishing["way"] == "bullmq":
            # It awaits no answer before the next event: one process is enough.
            command, parts = ["node", str(NODE / "bullmq_publish.mjs")], 1
        spec = {"first": first, "size": case.size, "rate": pace / parts}
        running = []
        for part in range(parts):
            mine = jobs[part::parts]
            told = self.server.publishing | spec | {"jobs": mine, "count": each * len(mine)}
            running.append(_start(command, told))
        try:
            yield
        finally:
            for process in running:
                _finish(process)


def _start(command: list[str], spec: dict[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(spec))
    process.stdin.close()
    process.stdin = None
    return process


def _finish(process: subprocess.Popen[str]) -> dict[str, float]:
    try:
        said, wrong = process.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    if process.returncode:
        raise RuntimeError(wrong.strip().splitlines()[-1] if wrong.strip() else "it died")
    answer: dict[str, float] = json.loads(said)
    return answer


def _kinds(report: dict[str, Any]) -> Figures:
    names = ("lost", "duplicated", "disordered", "errors")
    return {name: report[name] for name in names}


def idle(stage: Stage, case: Case) -> Figures:
    """Memory of the server's processes for each open stream on which nothing happens."""
    # The server's threads and buffers, which it has once whatever the number of streams.
    few = Case(scenario="idle", streams=min(500, case.streams))
    with stage.generator(few) as generator:
        stage.opened(generator, few)
    time.sleep(SETTLE_SECONDS)
    before = use(stage.server.pids)
    with stage.generator(case) as generator:
        opened = stage.opened(generator, case)
        time.sleep(SETTLE_SECONDS)
        after = use(stage.server.pids)
        return {
            "kb_per_stream": (after.pss_kb - before.pss_kb) / case.streams,
            "errors": opened["errors"],
            **_redis_connections(stage.server),
        }


def _redis_connections(server: Running) -> Figures:
    if server.redis is None:
        return {}
    with redis_client.Redis.from_url(server.redis.url) as client:
        # But for the one that asks.
        return {"redis_connections": len(client.client_list()) - 1}


def broadcast(stage: Stage, case: Case) -> Figures:
    """Events of few jobs to many streams, or of many jobs to one stream each."""
    with stage.publishing(case, each=1, first=1):
        pass
    each = max(1, round(case.rate * case.seconds / case.jobs))
    warm = max(1, each // 5)
    with stage.generator(case) as generator:
        opened = stage.opened(generator, case)
        with stage.publishing(case, each=warm, first=2):
            pass
        generator.wait_for(seq=1 + warm, seconds=10)
        server, store = _used(stage.server)
        generator.measure()
        pages: Figures = {}
        with stage.publishing(case, each=each, first=2 + warm):
            if case.pages:
                pages = ask_for_pages(stage.server, rate=case.pages, seconds=case.seconds)
        generator.wait_for(seq=1 + warm + each, seconds=10)
        report = generator.report(seq=1 + warm + each)
        server_after, store_after = _used(stage.server)
        connections = _redis_connections(stage.server)
    told = max(1, report["deliveries"])
    figures = {
        "cpu_us_per_delivery": (server_after - server) / told,
        "redis_us_per_delivery": (store_after - store) / told,
        "generator_us_per_delivery": report["cpu_us"] / told,
        "p50_ms": report["p50_ms"],
        "p99_ms": report["p99_ms"],
    }
    if case.pages:
        # The processor's time is that of the pages, too.
        figures = {name: figures[name] for name in ("p50_ms", "p99_ms")}
    return figures | _kinds(report) | {"errors": opened["errors"]} | pages | connections


def _used(server: Running) -> tuple[float, float]:
    process = server.redis.process if server.redis is not None else None
    return use(server.pids).cpu_us, use([process.pid]).cpu_us if process else 0.0


def storm(stage: Stage, case: Case) -> Figures:
    """All streams are cut, miss some events, and come back at once."""
    if not stage.peer.has_replay:
        raise Skipped("it has no replay")
    with stage.publishing(case, each=1, first=1, rate=20):
        pass
    with stage.generator(case) as generator:
        opened = stage.opened(generator, case)
        with stage.publishing(case, each=1, first=2, rate=20):
            pass
        if not generator.wait_for(seq=2, seconds=20)["arrived"]:
            raise Skipped("the first event did not come to all streams")
        generator.drop()
        time.sleep(SETTLE_SECONDS)
        with stage.publishing(case, each=case.missed, first=3, rate=500):
            pass
        generator.measure()
        back = generator.come_back(seq=2 + case.missed, seconds=OPEN_SECONDS)
        report = generator.report(seq=2 + case.missed)
        connections = _redis_connections(stage.server)
    errors = {"errors": opened["errors"] + report["errors"] + report["ended"]}
    return {"recover_s": back["seconds"]} | _kinds(report) | errors | connections


def connect(stage: Stage, case: Case) -> Figures:
    """The number of streams that a server lets in per second."""
    if stage.server.wake is not None:
        raise Skipped("it answers nothing until the first event")
    if stage.server.publishing["way"] != "none":
        # A job that is followed has begun.
        with stage.publishing(case, each=1, first=1, rate=20):
            pass
    with stage.generator(Case(scenario="connect", streams=50)) as generator:
        generator.open(seconds=OPEN_SECONDS)
    with stage.generator(case) as generator:
        opened = stage.opened(generator, case)
    return {"connects_per_s": case.streams / opened["seconds"], "errors": opened["errors"]}


def pages_beside_streams(stage: Stage, case: Case) -> Figures:
    """Pages of the same site, while many streams are open."""
    with stage.generator(case) as generator:
        opened = stage.opened(generator, case)
        pages = ask_for_pages(stage.server, rate=case.pages, seconds=case.seconds)
    return pages | {"errors": opened["errors"]}


def ask_for_pages(
    server: Running, *, rate: float, seconds: float, give_up: float = 30.0
) -> Figures:
    """Ask for the site's page, from another process."""
    if server.page is None:
        raise Skipped("it has no pages")
    page = {"port": server.port, "path": server.page.path, "headers": list(server.page.headers)}
    command = [sys.executable, "-m", "benchmarks.streaming.pages"]
    return _finish(_start(command, {**page, "rate": rate, "seconds": seconds, "give_up": give_up}))


def slow(stage: Stage, case: Case) -> Figures:
    """The growth of the server's memory while clients do not read."""
    with stage.publishing(case, each=1, first=1, rate=20):
        pass
    with stage.generator(case, receive_buffer=65_536) as generator:
        stage.opened(generator, case)
        with stage.publishing(case, each=10, first=2, rate=100):
            pass
        generator.pause()
        before = most = use(stage.server.pids).pss_kb
        is_over = threading.Event()

        def watch() -> None:
            nonlocal most
            while not is_over.wait(0.2):
                most = max(most, use(stage.server.pids).pss_kb)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            with stage.publishing(case, each=case.missed, first=12):
                pass
        finally:
            is_over.set()
            watcher.join()
    return {"grown_mb": (most - before) / 1024}


RUNS: dict[str, Callable[[Stage, Case], Figures]] = {
    "idle": idle,
    "broadcast": broadcast,
    "many": broadcast,
    "storm": storm,
    "connect": connect,
    "pages": pages_beside_streams,
    "busy": broadcast,
    "slow": slow,
}


def cases(*, seconds: float, scale: float) -> list[Case]:
    """All cases; a scale below 1 has fewer streams, jobs and events."""

    def of(number: int) -> int:
        return max(10, round(number * scale))

    found = [Case(scenario="idle", streams=of(count)) for count in (1_000, 5_000, 10_000)]
    for streams in (1_000, 5_000):
        for rate in (20, 100):
            case = Case(scenario="broadcast", streams=of(streams), rate=rate, seconds=seconds)
            found.append(case)
    for rate in (2_000, 5_000):
        jobs = of(2_000)
        found.append(
            Case(scenario="many", streams=jobs, jobs=jobs, rate=rate * scale, seconds=seconds)
        )
    found += [Case(scenario="storm", streams=of(count), missed=50) for count in (5_000, 10_000)]
    found.append(Case(scenario="connect", streams=of(5_000)))
    found.append(Case(scenario="pages", streams=of(10_000), pages=50, seconds=seconds))
    found.append(
        Case(scenario="busy", streams=of(1_000), rate=20, pages=500 * scale, seconds=seconds)
    )
    found.append(Case(scenario="slow", streams=50, rate=800, missed=of(12_000), size=4_000))
    return found

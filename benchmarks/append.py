"""The processor time that the log's server spends on one append, beside a bare XADD.

One client appends to a job that lists eight items in progress and twenty failed ones; one
subscriber hears the job's channel. The cases take turns, so that their ratios are of one run. A
second table has the commands that the script calls, as the server counts and times them.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from uuid import uuid4

import redis

from benchmarks._table import medians, tell
from benchmarks.report import Meter
from progress.events import ItemStatus, JobStatus
from progress.log import JobRef
from progress.redis import RedisLog
from progress.reports import CountsReport, ItemReport, Report, StatusReport, TotalReport
from tests.servers import Server, valkey

LISTED_IN_PROGRESS = 8
LISTED_FAILED = 20
#: As long as the event of a job's progress.
DOCUMENT = b'{"type":"progress",' + b"x" * 236 + b"}"

Call = Callable[[], object]


def busy_job(log: RedisLog) -> JobRef:
    """A job that lists as many items in progress and failed ones as a busy job does."""
    ref, now = JobRef("bench", uuid4().hex), time.time()
    reports: list[Report] = [StatusReport(JobStatus.RUNNING, now), TotalReport(10_000_000, now)]
    why = "The file is no song."
    reports += [_item(f"f{n}", ItemStatus.FAILED, error=why) for n in range(LISTED_FAILED)]
    reports += [_item(f"b{n}", ItemStatus.IN_PROGRESS) for n in range(LISTED_IN_PROGRESS)]
    log.append(ref, reports, attempt=1)
    return ref


def _item(name: str, status: ItemStatus, *, error: str | None = None) -> ItemReport:
    return ItemReport(name, "song", status, time.time(), label="Neon Street", error=error)


def progress(log: RedisLog) -> Call:
    """One progress event an append, as plain `update_state` gives it."""
    ref, numbers = busy_job(log), count(LISTED_FAILED + 1)
    return lambda: log.append(ref, [CountsReport(next(numbers), time.time())], attempt=1)


def item(log: RedisLog) -> Call:
    """One item that succeeds an append: its event and one of progress."""
    ref, numbers = busy_job(log), count()
    return lambda: log.append(ref, [_item(f"{next(numbers)}", ItemStatus.SUCCEEDED)], attempt=1)


def batch(log: RedisLog) -> Call:
    """25 items an append that begin and succeed: 50 events, and one of progress."""
    ref, numbers = busy_job(log), count()

    def append() -> None:
        names = [f"{next(numbers)}" for _ in range(25)]
        statuses = (ItemStatus.IN_PROGRESS, ItemStatus.SUCCEEDED)
        log.append(ref, [_item(name, status) for name in names for status in statuses], attempt=1)

    return append


def xadd(log: RedisLog, *, pipelined: int = 1) -> Call:
    """A bare XADD for each event: no state, no counts, nobody told."""
    key = f"bench:{uuid4().hex}"

    def add() -> None:
        pipeline = log.client.pipeline(transaction=False)
        for _ in range(pipelined):
            pipeline.xadd(key, {"e": DOCUMENT})
        pipeline.execute()

    return add if pipelined > 1 else lambda: log.client.xadd(key, {"e": DOCUMENT})


@contextmanager
def subscribed(server: Server) -> Iterator[None]:
    """One subscriber of all that is published."""
    pubsub = redis.Redis.from_url(server.url, socket_timeout=None).pubsub()
    pubsub.psubscribe("*")
    pubsub.get_message(timeout=5)

    def hear() -> None:
        try:
            while pubsub.parse_response() is not None:
                pass
        except (redis.RedisError, OSError, ValueError):
            return

    threading.Thread(target=hear, daemon=True).start()
    try:
        yield
    finally:
        pubsub.connection.disconnect()


def measure(*, appends: int, rounds: int) -> list[dict[str, object]]:
    """A row for each case: server µs per call, and how many of its floor's that is."""
    makers: dict[str, tuple[Callable[[RedisLog], Call], int]] = {
        "xadd": (xadd, 1),
        "xadd, 50 in a pipeline": (lambda log: xadd(log, pipelined=50), 50),
        "one progress event": (progress, 1),
        "one item event": (item, 1),
        "50 item events": (batch, 50),
    }
    with valkey() as server, subscribed(server):
        log = RedisLog(server.url)
        calls = {who: make(log) for who, (make, _) in makers.items()}
        runs: dict[str, list[dict[str, float]]] = {who: [] for who in makers}
        for _ in range(rounds):
            for who, (_, events) in makers.items():
                calls[who]()
                meter = Meter(server)
                times = max(1, appends // events)
                for _ in range(times):
                    calls[who]()
                runs[who].append({"server_us_per_event": meter.server_us() / times / events})
        log.close()
    found = {who: medians(run)["server_us_per_event"] for who, run in runs.items()}
    floors = {who: "xadd, 50 in a pipeline" if makers[who][1] > 1 else "xadd" for who in makers}
    return [
        {
            "bench": "append",
            "case": who,
            "server_us_per_event": found[who],
            "times_xadd": found[who] / found[floors[who]],
        }
        for who in makers
    ]


def commands(*, appends: int) -> list[dict[str, object]]:
    """A row for each command of each case: how often an append calls it, and how long it takes."""
    rows: list[dict[str, object]] = []
    with valkey() as server, subscribed(server):
        log = RedisLog(server.url)
        for who, make in {
            "one progress event": progress,
            "one item event": item,
            "50 item events": batch,
        }.items():
            append = make(log)
            append()
            log.client.config_resetstat()
            for _ in range(appends):
                append()
            # What the benchmark itself asks is none of the script's.
            told = log.client.info("commandstats")
            rows += [
                {
                    "bench": "append",
                    "case": who,
                    "command": name.removeprefix("cmdstat_"),
                    "calls": found["calls"] / appends,
                    "us_per_call": found["usec_per_call"],
                }
                for name, found in sorted(told.items(), key=lambda pair: -pair[1]["usec"])
                if not name.startswith(("cmdstat_config", "cmdstat_info"))
            ]
        log.close()
    return rows


def main() -> None:
    """Measure every case in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appends", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    tell("One append", measure(appends=options.appends, rounds=options.rounds))
    tell("What an append calls", commands(appends=options.appends // 10))


if __name__ == "__main__":
    main()

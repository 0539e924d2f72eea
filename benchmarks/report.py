"""The cost of reporting an item to its task, beside other ways to report.

Each way reports the items of one job to the same server, one way after the other, in rounds.
`wall_us_per_item` is the time that reporting adds to the task, from its first report to the
return of the last flush; `server_us_per_event` the processor time the server spends, for each
event that is stored. `task_us_per_item` is the part spent inside the reporting calls
alone, and `cpu_us_per_item` the processor time of the task's process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import redis
from celery import Celery, Task

from benchmarks._table import medians, tell
from progress.celery import JobTask, install
from progress.events import ItemStatus
from progress.log import JobRef
from progress.redis import RedisLog
from progress.redis.keys import Keys
from progress.reporting.reporter import JobReporter
from tests.servers import Server, valkey

#: Figures of one run of one way: wall, task, server time in µs, and bytes kept for each item.
Figures = dict[str, float]
META = {"current": 1, "total": 1000, "status": "Listening to Neon Street"}
NODE = Path(__file__).parent / "node"


class Meter:
    """The server's processor time and memory between two moments."""

    def __init__(self, server: Server) -> None:
        self._client = redis.Redis.from_url(server.url)
        self.pid = self._client.info("server")["process_id"]
        self._began = self._cpu_seconds()

    def _cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/schedstat").read_text().split()
        return int(fields[0]) / 1e9

    def server_us(self) -> float:
        """Processor time since the meter was made."""
        return (self._cpu_seconds() - self._began) * 1e6


def earmark(server: Server, items: int, *, with_item: bool = True) -> Figures:
    """`job.item` around each item: two events an item, and the progress of each batch."""
    log = RedisLog(server.url)
    ref = JobRef("bench", uuid4().hex)
    log.append(ref, (), attempt=1)
    meter = Meter(server)
    began, began_cpu = time.perf_counter(), time.process_time()
    reporter = JobReporter(log, ref)
    reporter.total(items)
    if with_item:
        for number in range(items):
            with reporter.item(number, kind="song", label="Neon Street"):
                pass
    else:
        for number in range(items):
            reporter.item_status(number, ItemStatus.SUCCEEDED, kind="song", label="Neon Street")
    in_task = time.perf_counter() - began
    while not reporter.flush():  # its patience ends on a machine that is busy
        pass
    reporter.close()
    wall, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    state = log.snapshot(ref)
    assert state is not None
    snapshot, cursor = state
    assert snapshot.progress.done == items, snapshot.progress  # type: ignore[union-attr]
    keys = Keys.of(ref, "progress")
    used = sum(
        log.client.memory_usage(key, samples=0) or 0 for key in (keys.log, keys.state, keys.items)
    )
    figures = {
        "wall_us_per_item": wall / items * 1e6,
        "task_us_per_item": in_task / items * 1e6,
        "cpu_us_per_item": cpu / items * 1e6,
        "server_us_per_event": meter.server_us() / cursor.seq,
        "bytes_per_item": used / items,
    }
    log.close()
    return figures


def forked(server: Server, items: int) -> Figures:
    """`job.item` around each item in a process that the task forked: each is sent by itself."""
    log, ref = RedisLog(server.url), JobRef("bench", uuid4().hex)
    reporter = JobReporter(log, ref)
    reporter.total(items)
    reporter.flush()
    meter = Meter(server)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        began, began_cpu = time.perf_counter(), time.process_time()
        for number in range(items):
            with reporter.item(number, kind="song", label="Neon Street"):
                pass
        seconds = [time.perf_counter() - began, time.process_time() - began_cpu]
        os.write(writing, json.dumps(seconds).encode())
        os._exit(0)
    os.waitpid(child, 0)
    wall, cpu = json.loads(os.read(reading, 1_000))
    os.close(reading)
    os.close(writing)
    reporter.close()
    figures = _figures(wall, cpu, items, meter.server_us() / 2)
    log.close()
    return figures


def update_state(server: Server, items: int, *, base: type[Task] = Task) -> Figures:
    """Celery's own `update_state`, with its Redis result backend; or a `JobTask`'s."""
    app = Celery("bench", broker=server.tcp_url, backend=server.tcp_url)
    log = RedisLog(server.url)
    install(app, log)
    seconds = []

    @app.task(bind=True, base=base, shared=False)
    def work(task: Task) -> None:
        """Report only."""
        task.update_state(state="PROGRESS", meta=META)
        began, began_cpu = time.perf_counter(), time.process_time()
        for number in range(items):
            task.update_state(state="PROGRESS", meta=META | {"current": number})
        seconds.extend([time.perf_counter() - began, time.process_time() - began_cpu])

    meter = Meter(server)
    work.apply().get()
    wall, cpu = seconds
    figures = _figures(wall, cpu, items, meter.server_us())
    log.close()
    return figures


def xadd(server: Server, items: int, *, pipelined: int = 1) -> Figures:
    """A bare XADD for each event, with no state, no counts and no reader told."""
    client = redis.Redis.from_url(server.url)
    key = f"bench:{uuid4().hex}"
    document = json.dumps(META)
    client.xadd(key, {"e": document})
    meter = Meter(server)
    began, began_cpu = time.perf_counter(), time.process_time()
    for start in range(0, items, pipelined):
        pipeline = client.pipeline(transaction=False) if pipelined > 1 else client
        for _ in range(start, min(items, start + pipelined)):
            pipeline.xadd(key, {"e": document}, maxlen=2_000, approximate=True)
        if pipelined > 1:
            pipeline.execute()
    wall, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return _figures(wall, cpu, items, meter.server_us())


def bullmq(server: Server, items: int) -> Figures | None:
    """BullMQ's `updateProgress`, awaited one by one as its documents show."""
    if not (NODE / "node_modules" / "bullmq").is_dir():
        return None
    meter = Meter(server)
    ran = subprocess.run(
        ["node", NODE / "update_progress.mjs", str(server.port), str(items)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(ran.stdout)
    # Two events: its own stream's, and the job's row.
    return _figures(found["seconds"], None, items, meter.server_us())


def _figures(
    wall_seconds: float, cpu_seconds: float | None, items: int, server_us: float
) -> Figures:
    wall = wall_seconds / items * 1e6
    cpu = {} if cpu_seconds is None else {"cpu_us_per_item": cpu_seconds / items * 1e6}
    return {
        "wall_us_per_item": wall,
        "task_us_per_item": wall,
        **cpu,
        "server_us_per_event": server_us / items,
    }


def install_bullmq() -> None:
    """Install BullMQ beside the script that uses it, where there is Node."""
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", NODE]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"BullMQ is left out: npm could not install it ({error}).", file=sys.stderr)


def main() -> None:
    """Measure each way in turn, several times over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--large", type=int, default=100_000, help="items of the one large job")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    install_bullmq()
    ways: dict[str, Callable[[Server, int], Figures | None]] = {
        "earmark": earmark,
        "earmark, in a forked process": forked,
        "update_state": update_state,
        "update_state of a JobTask": partial(update_state, base=JobTask),
        "xadd": xadd,
        "xadd, 50 in a pipeline": lambda server, items: xadd(server, items, pipelined=50),
        "bullmq": bullmq,
    }
    found: dict[str, list[Figures]] = {who: [] for who in ways}
    with valkey() as server:
        for _ in range(options.rounds):
            for who, run in ways.items():
                figures = run(server, options.items)
                if figures is not None:
                    found[who].append(figures)
        large = [earmark(server, options.large) for _ in range(3)]
        ends = [earmark(server, options.large, with_item=False) for _ in range(3)]
    rows = [_row(who, options.items, runs) for who, runs in found.items() if runs]
    rows.append(_row("earmark", options.large, large))
    rows.append(_row("earmark, item_status", options.large, ends))
    tell("Reporting", rows)


def _row(who: str, items: int, runs: list[Figures]) -> dict[str, object]:
    return {"bench": "report", "who": who, "items": items, **medians(runs)}


if __name__ == "__main__":
    main()

"""`kill -9` of the process that goes through a loop with ``resume=True``, again and again.

``python -m tests.chaos.kills --help``. Nothing may be undone at the end, and nothing may be done
again that the log had heard of when the process was killed. Ends with one JSON line on stdout.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from celery import Celery

from progress import JobRef, RedisLog
from progress.events import Snapshot
from tests.servers import valkey
from tests.workers import worker

#: Longer than a lost message is waited for at the worst.
STUCK_SECONDS = 60.0


@dataclass
class Tally:
    """What a run has come to."""

    kills: int = 0
    jobs: int = 0
    items: int = 0
    undone: int = 0
    #: Done by a process that was killed, and done again by the next.
    done_twice: int = 0
    #: Those of them that the log had heard of. None may be.
    done_twice_though_told: int = 0
    most_done_twice_per_kill: int = 0
    wrong_ends: int = 0
    resumed_seconds_median: float = 0.0
    resumed_seconds_max: float = 0.0
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kill:
    """What was known when a process was gone."""

    pid: int
    told: frozenset[int]
    #: The length of the list of what was done.
    lines: int
    #: From the kill to the next item that was done.
    resumed_seconds: float


@dataclass(frozen=True)
class Loop:
    """One job, and the list that its processes keep."""

    celery: Celery
    log: RedisLog
    folder: Path
    items: int
    job_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def ref(self) -> JobRef:
        return JobRef("everyone", self.job_id)

    def send(self) -> None:
        (self.folder / self.job_id).write_text(str(self.items))
        self.celery.send_task("loop.work", args=[self.items], task_id=self.job_id)

    def lines(self) -> list[tuple[int, int]]:
        """What was done, with the process that did it, in order."""
        file = self.folder / f"{self.job_id}.done"
        text = file.read_text() if file.exists() else ""
        # A line that is being written has no end yet.
        found = [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]
        return [(int(item), int(pid)) for item, pid in found]

    def told(self) -> frozenset[int]:
        """The items of which the log knows that they have succeeded."""
        names = [("item", str(item)) for item in range(self.items)]
        known = self.log.has_succeeded(self.ref, names)
        return frozenset(item for item, is_known in enumerate(known) if is_known)

    def state(self) -> Snapshot | None:
        known = self.log.snapshot(self.ref)
        return known[0] if known is not None and isinstance(known[0], Snapshot) else None

    def is_over(self) -> bool:
        state = self.state()
        return state is not None and state.status.is_terminal

    def wait_for_more(self, lines: int) -> bool:
        """Wait for an item after so many; whether one came before the job was over."""
        deadline = time.monotonic() + STUCK_SECONDS
        while len(self.lines()) <= lines and time.monotonic() < deadline:
            if self.is_over():
                return len(self.lines()) > lines
            time.sleep(0.01)
        return len(self.lines()) > lines

    def kill(self) -> Kill:
        """Kill the process that did the newest item, and wait for the next to go on."""
        pid = self.lines()[-1][1]
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        time.sleep(0.02)  # what it had written to its socket is at the server by now
        told, lines = self.told(), len(self.lines())
        self.wait_for_more(lines)
        return Kill(pid, told, lines, time.monotonic() - killed)


def main() -> int:
    """Kill, and judge."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many")
    parser.add_argument("--items", type=int, default=10_000, help="the length of the loop")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no kill later")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="to repeat a run")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, valkey() as server:
        environment = {"LOOP_REDIS": server.tcp_url, "LOOP_FOLDER": folder}
        celery, log = Celery("sender", broker=server.tcp_url), RedisLog(server.tcp_url)
        with worker("tests.chaos.loop", Path(folder), environment, "--concurrency=2"):
            tally = run(celery, log, Path(folder), arguments)
        log.close()
        celery.close()
    for complaint in tally.complaints:
        print(complaint, file=sys.stderr)
    figures = asdict(tally)
    del figures["complaints"]
    print(json.dumps(figures))
    return 1 if tally.complaints else 0


def run(celery: Celery, log: RedisLog, folder: Path, arguments: argparse.Namespace) -> Tally:
    """Loops that are killed at any moment, until there were as many kills as were asked for."""
    chance, tally, kills = random.Random(arguments.seed), Tally(), []
    until = time.monotonic() + arguments.seconds
    while len(kills) < arguments.kills and time.monotonic() < until:
        loop = Loop(celery, log, folder, arguments.items)
        loop.send()
        of_loop: list[Kill] = []
        while loop.wait_for_more(of_loop[-1].lines if of_loop else 0):
            if len(kills) + len(of_loop) >= arguments.kills or time.monotonic() >= until:
                break
            time.sleep(chance.expovariate(1 / 0.3))
            if loop.is_over():
                break
            of_loop.append(loop.kill())
            print(
                f"{len(kills) + len(of_loop):4} {of_loop[-1].resumed_seconds:6.2f} s",
                file=sys.stderr,
                flush=True,
            )
        deadline = time.monotonic() + STUCK_SECONDS + 0.01 * arguments.items
        while not loop.is_over() and time.monotonic() < deadline:
            time.sleep(0.05)
        judge(loop, of_loop, tally)
        kills += of_loop
    tally.kills = len(kills)
    resumed = sorted(kill.resumed_seconds for kill in kills) or [0.0]
    tally.resumed_seconds_median = round(resumed[len(resumed) // 2], 2)
    tally.resumed_seconds_max = round(resumed[-1], 2)
    return tally


def judge(loop: Loop, kills: list[Kill], tally: Tally) -> None:
    """Compare what was done with what the job says, and with what was known at each kill."""
    lines, state = loop.lines(), loop.state()
    times = Counter(item for item, _ in lines)
    undone = [item for item in range(loop.items) if item not in times]
    twice = {item for item, count in times.items() if count > 1}
    again = [
        {item for item, _ in lines[kill.lines :]} & {item for item, _ in lines[: kill.lines]}
        for kill in kills
    ]
    though_told = [item for kill in kills for item, _ in lines[kill.lines :] if item in kill.told]
    tally.jobs += 1
    tally.items += loop.items
    tally.undone += len(undone)
    tally.done_twice += sum(times.values()) - len(times)
    tally.done_twice_though_told += len(though_told)
    tally.most_done_twice_per_kill = max([tally.most_done_twice_per_kill, *map(len, again)])
    progress = state.progress if state is not None else None
    end = (state and state.status.value, progress and (progress.succeeded, progress.total))
    if end != ("completed", (loop.items, loop.items)):
        tally.wrong_ends += 1
        tally.complaints.append(f"{loop.job_id} ended as {end}, {len(twice)} were done twice")
    if undone:
        tally.complaints.append(f"{loop.job_id}: undone {undone[:10]}")
    if though_told:
        tally.complaints.append(f"{loop.job_id}: done again though told {though_told[:10]}")


if __name__ == "__main__":
    sys.exit(main())

"""The verdict on a job after a fault: one end, right counts, no result lost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from progress.cursor import Cursor
from tests.chaos.watch import TERMINAL
from tests.chaos.world import Run, World


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was wrong with a job, in sentences; nothing where all is well."""

    unfinished: tuple[str, ...] = ()
    wrong_counts: tuple[str, ...] = ()
    lost_results: tuple[str, ...] = ()
    wrong_stream: tuple[str, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        return self.unfinished + self.wrong_counts + self.lost_results + self.wrong_stream


def judge(world: World, run: Run) -> Verdict:
    """Everything that must hold of a job that has ended."""
    return Verdict(
        tuple(_status(world, run)),
        tuple(_counts(world, run)),
        tuple(_results(world, run)),
        tuple(_stream(run)),
    )


def _status(world: World, run: Run) -> list[str]:
    row, snapshot = world.row(run), world.snapshot(run)
    wrong = []
    if row.status not in TERMINAL:
        wrong.append(f"the row is {row.status}")
    if snapshot.status != row.status:
        wrong.append(f"the row is {row.status} and the log {snapshot.status}")
    ends = [status for status in run.watch.statuses if status in TERMINAL]
    if len(ends) != 1 or run.watch.statuses[-1] not in TERMINAL:
        wrong.append(f"the browser saw {run.watch.statuses}")
    return wrong


def _counts(world: World, run: Run) -> list[str]:
    snapshot = world.snapshot(run)
    progress = snapshot.progress
    if progress is None:
        return [] if snapshot.status != "completed" else ["completed without counts"]
    counts = (progress.succeeded, progress.failed, progress.total)
    wrong = []
    if snapshot.status == "completed" and counts != (run.plan.items, 0, run.plan.items):
        wrong.append(f"completed with {counts} of {run.plan.items}")
    if progress.total is not None and progress.done > progress.total:
        wrong.append(f"{progress.done} of {progress.total} done")
    if snapshot.items_in_progress and snapshot.status == "completed":
        wrong.append(f"completed with {len(snapshot.items_in_progress)} items in progress")
    return wrong


def _results(world: World, run: Run) -> list[str]:
    kept = world.results.of(run.ref.job_id)
    told = {
        frame.event["itemId"]
        for frame in run.watch.frames
        if frame.event["type"] == "item" and frame.event["status"] == "succeeded"
    }
    missing = sorted(told - kept)
    if world.row(run).status == "completed":
        missing += sorted(set(run.plan.names) - kept)
    return [f"{name} was lost" for name in missing]


def _stream(run: Run) -> list[str]:
    """Positions without holes or repeats, but where a snapshot says that there was a gap."""
    wrong = []
    for before, after in pairwise(run.watch.frames):
        if after.event["type"] == "snapshot":
            continue
        if Cursor.parse(after.id) != Cursor.parse(before.id).next():
            wrong.append(f"{after.id} came after {before.id}")
    return wrong

"""The state of several jobs as one, for the id of a group or a chord. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from ..cursor import Cursor
from ..events import Item, JobStatus, Note, Progress, RunningItem, Snapshot
from .constants import RULES

#: A job's state and position.
State = tuple[Snapshot, Cursor]
#: How the worst of several jobs has ended, the worst first.
_ENDS = (JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.COMPLETED)


def sum_of(
    sum_id: str, jobs: Mapping[str, State | None], *, awaited: frozenset[str]
) -> State | None:
    """The sum of jobs, at a position that rises with each of theirs; None where none has a log.

    Args:
        sum_id: Stands for the job's id.
        jobs: The state of each job; None where it has no log.
        awaited: The jobs that are sent when others have succeeded. Any other job without a log has
            ended so long ago that its log is gone.
    """
    states = [state[0] for state in jobs.values() if state is not None]
    if not states:
        return None
    cursors = [state[1] for state in jobs.values() if state is not None]
    missing = sum(1 for name in awaited if jobs.get(name) is None)
    status = _status(states, are_all=missing == 0)
    failed = next((state for state in states if state.status is JobStatus.FAILED), None)
    state = Snapshot(
        job_id=sum_id,
        at=max(state.at for state in states),
        # It grows with every job's next attempt, since counts may go back then.
        attempt=1 + sum(state.attempt - 1 for state in states),
        status=status,
        reason=failed.reason if failed is not None else None,
        progress=_progress(states, missing),
        items_in_progress=_running(states),
        failed_items=_failed(states),
        slowest_items=_slowest(states),
        note=_note(states),
        error=failed.error if failed is not None else None,
        started_at=min(_moments([state.started_at for state in states]), default=None),
        finished_at=(
            max(_moments([state.finished_at for state in states]), default=None)
            if status.is_terminal
            else None
        ),
    )
    position = Cursor(max(at.epoch for at in cursors), sum(at.seq for at in cursors))
    return state, position


def _status(states: Sequence[Snapshot], *, are_all: bool) -> JobStatus:
    found = {state.status for state in states}
    if all(status.is_terminal for status in found) and (
        are_all or found != {JobStatus.COMPLETED}  # what waits for all of them is never sent
    ):
        return next(status for status in _ENDS if status in found)
    return JobStatus.PENDING if found == {JobStatus.PENDING} else JobStatus.RUNNING


def _progress(states: Sequence[Snapshot], missing: int) -> Progress | None:
    known = [state.progress for state in states if state.progress is not None]
    if not known:
        return None
    totals = [progress.total for progress in known]
    # A job that was over without a count has none.
    is_known = missing == 0 and all(
        state.progress is not None or state.status.is_terminal for state in states
    )
    shares = [_share(state) for state in states]
    mean = sum(shares) / (len(states) + missing)
    return Progress(
        done=sum(progress.done for progress in known),
        total=sum(filter(None, totals)) if is_known and None not in totals else None,
        succeeded=sum(progress.succeeded for progress in known),
        failed=sum(progress.failed for progress in known),
        fraction=math.floor(mean * RULES.fraction_parts) / RULES.fraction_parts,
    )


def _share(state: Snapshot) -> float:
    """How much of a job is done at the least."""
    if state.progress is not None and state.progress.fraction is not None:
        return state.progress.fraction
    return 1.0 if state.status is JobStatus.COMPLETED else 0.0


def _running(states: Sequence[Snapshot]) -> tuple[RunningItem, ...]:
    items = [item for state in states for item in state.items_in_progress]
    newest = sorted(items, key=lambda item: item.since.timestamp() if item.since else 0.0)
    return tuple(newest[-RULES.max_listed :])


def _failed(states: Sequence[Snapshot]) -> tuple[Item, ...]:
    items = [item for state in states for item in state.failed_items]
    return tuple(items[-RULES.max_listed :])


def _slowest(states: Sequence[Snapshot]) -> tuple[Item, ...]:
    items = [item for state in states for item in state.slowest_items]
    return tuple(sorted(items, key=lambda item: -(item.took_seconds or 0.0))[: RULES.max_slowest])


def _note(states: Sequence[Snapshot]) -> Note | None:
    """The note of the job that reported last."""
    said = [state for state in states if state.note is not None]
    return max(said, key=lambda state: state.at).note if said else None


def _moments(moments: Sequence[datetime | None]) -> list[datetime]:
    return [moment for moment in moments if moment is not None]

"""What a sync missed and did not take away: a question for each source, open until it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from library import jobs
from library.models import Job
from progress.events import JobStatus
from tasks.sync import LOSS, MORE_LOSSES, SOURCE

#: A page looks at this many later syncs: one of all sources is nearly always among them.
_MOST_LATER = 30


@dataclass(frozen=True, slots=True)
class AskedLoss:
    """One source's loss, and whether the job still asks about it."""

    loss: dict[str, Any]
    #: False where the source was read again since then.
    is_open: bool


def losses_of(session: Session, job: Job | None) -> list[AskedLoss]:
    """What a sync missed of each source, where it failed for that."""
    if job is None or job.kind != "sync" or job.status != JobStatus.FAILED:
        return []
    if LOSS not in job.result:
        return []
    later = [
        found.parameters.get(SOURCE)
        for found in jobs.page(
            session,
            account_id=job.account_id,
            kind="sync",
            since=job.created_at,
            limit=_MOST_LATER,
        )
        if found.id != job.id
    ]
    return [
        AskedLoss(loss, not any(source in (None, loss.get(SOURCE)) for source in later))
        for loss in (job.result[LOSS], *job.result.get(MORE_LOSSES, ()))
    ]

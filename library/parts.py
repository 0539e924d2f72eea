"""The parts of a job that is shared out: which songs each of them is to work on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from .models import JobPart


class Span(NamedTuple):
    """The songs of a part, in the order of their ids."""

    #: The last song before them; None where they are the first.
    after: UUID | None
    #: The last of them.
    through: UUID


def lasts(song_ids: Iterable[UUID], *, size: int) -> list[UUID]:
    """The id of the last song of each part, from song ids in ascending order."""
    found, last, count = [], None, 0
    for song_id in song_ids:
        last, count = song_id, count + 1
        if count % size == 0:
            found.append(song_id)
    if last is not None and count % size:
        found.append(last)
    return found


def plan(
    session: Session, *, account_id: UUID, job_id: UUID, attempt: int, lasts: Sequence[UUID]
) -> None:
    """Share out an attempt's songs, given the last one of each part.

    What an earlier attempt shared out goes; what a newer one did stays.
    """
    session.execute(delete(JobPart).where(JobPart.job_id == job_id, JobPart.attempt <= attempt))
    rows = [
        {
            "job_id": job_id,
            "attempt": attempt,
            "number": number,
            "account_id": account_id,
            "through_song_id": song_id,
        }
        for number, song_id in enumerate(lasts)
    ]
    if rows:
        session.execute(insert(JobPart), rows)


def span(session: Session, *, job_id: UUID, attempt: int, number: int) -> Span | None:
    """The songs of a part; None where there is none: another attempt has shared them out anew."""
    query = select(JobPart.number, JobPart.through_song_id).where(
        JobPart.job_id == job_id,
        JobPart.attempt == attempt,
        JobPart.number.in_((number - 1, number)),
    )
    ends = {row.number: row.through_song_id for row in session.execute(query)}
    through = ends.get(number)
    return None if through is None else Span(ends.get(number - 1), through)


def forget(session: Session, *, job_id: UUID) -> None:
    """Forget how a job was shared out."""
    session.execute(delete(JobPart).where(JobPart.job_id == job_id))

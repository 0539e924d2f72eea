"""How a job went, as a table for browsers without JavaScript. The picture is `<job-run>`'s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from library.models import Job, utc_now
from progress.errors import LogUnavailable
from progress.flask.runs import find_run
from progress.run import RowStatus, Run, RunRow
from tasks.jobs import ref_of

from .services import services
from .streams import kept_run

#: The same sentences as in `client/src/run/words.ts`.
_ENDS = {
    RowStatus.RUNNING: "still under way",
    RowStatus.COMPLETED: "completed",
    RowStatus.FAILED: "failed",
    RowStatus.CANCELLED: "cancelled",
    RowStatus.RETRYING: "stopped, to be tried again",
    RowStatus.LOST: "lost: nobody told its end",
}


@dataclass(frozen=True, slots=True)
class RunLine:
    """A line of the table."""

    what: str
    began: str
    took: str
    ended: str


def lines_of(job: Job) -> list[RunLine]:
    """The waits, attempts and phases of a job, and a line for the parts of each attempt.

    Empty where nothing is known of its run, or the log cannot be asked at the moment.
    """
    database = services().database
    try:
        run = find_run(services().log, lambda ref: kept_run(database, ref), ref_of(job))
    except LogUnavailable:
        return []
    return [] if run is None else list(run_lines(run, now=utc_now()))


def run_lines(run: Run, *, now: datetime) -> Iterator[RunLine]:
    """The lines of a run, in the order of their beginnings."""
    over = run.finished_at or now
    zero = run.sent_at or (run.rows[0].begin if run.rows else over)
    since: datetime | None = run.sent_at
    for attempt in (row for row in run.rows if row.kind == "attempt"):
        if since is not None and attempt.begin > since:
            yield _wait(attempt.attempt, since, attempt.begin, zero)
        of = [row for row in run.rows if row.attempt == attempt.attempt]
        yield _line(f"Attempt {attempt.attempt}", attempt, over, zero)
        for row in of:
            if row.kind == "phase":
                yield _line(f"Phase “{row.name}”", row, over, zero)
        parts = [row for row in of if row.kind == "part"]
        if parts:
            yield _parts(parts, over, zero)
        since = attempt.end
    if run.finished_at is None and since is not None:
        attempts = [row.attempt for row in run.rows]
        yield _wait(max(attempts, default=0) + 1, since, over, zero)


def _wait(attempt: int, begin: datetime, end: datetime, zero: datetime) -> RunLine:
    what = "Wait for a worker" if attempt == 1 else f"Wait for attempt {attempt}"
    return RunLine(what, clock(begin - zero), lasted(end - begin), "")


def _line(what: str, row: RunRow, over: datetime, zero: datetime) -> RunLine:
    took = lasted(max(row.begin, row.end or over) - row.begin)
    return RunLine(what, clock(row.begin - zero), took, _ENDS[row.status])


def _parts(parts: Iterable[RunRow], over: datetime, zero: datetime) -> RunLine:
    found = list(parts)
    begin, end = min(row.begin for row in found), max(row.end or over for row in found)
    counts = {status: sum(row.status is status for row in found) for status in RowStatus}
    ended = ", ".join(f"{count:,} {_ENDS[status]}" for status, count in counts.items() if count)
    what = "1 part" if len(found) == 1 else f"{len(found):,} parts"
    return RunLine(what, clock(begin - zero), lasted(max(begin, end) - begin), ended)


def clock(span: timedelta) -> str:
    """A time since the beginning as a clock shows it, such as ``1:05`` or ``1:02:05``."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def lasted(span: timedelta) -> str:
    """How long something took, such as ``0.4 s``, ``5 min 3 s`` or ``2 h 5 min``."""
    exact = max(0.0, span.total_seconds())
    if exact < 9.95:
        return f"{exact:.1f} s".replace(".0 ", " ")
    minutes, seconds = divmod(round(exact), 60)
    hours, rest = divmod(minutes, 60)
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    if minutes:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{seconds} s"

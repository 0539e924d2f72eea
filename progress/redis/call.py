"""The call of the script that appends a batch: its keys and its arguments. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..cursor import Cursor
from ..log import FeedRef, JobRef, Retention
from ..reports import Report, head
from ..rules.batch import encode
from .keys import Keys
from .pipeline import Call


def append_call(
    ref: JobRef,
    reports: Sequence[Report],
    *,
    prefix: str,
    attempt: int,
    seen: Cursor | None,
    kept: Retention,
    now_us: int,
) -> Call:
    """The keys and the arguments, in the order that `append.lua` names them.

    `now_us` is 0 for the server's own clock.
    """
    keys, feed = Keys.of(ref, prefix), Keys.of(FeedRef(ref.account), prefix)
    arguments: list[str | bytes | int] = [
        attempt,
        ref.job_id,
        head(ref.job_id, attempt),
        encode(reports, job_id=ref.job_id, attempt=attempt),
        kept.job_events,
        kept.feed_events,
        kept.live_seconds,
        kept.ended_seconds,
        now_us,
        seen.epoch if seen else 0,
        seen.seq if seen else 0,
    ]
    return [keys.log, keys.state, keys.items, feed.log, feed.state, keys.run], arguments

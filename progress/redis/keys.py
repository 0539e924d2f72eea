"""The names of a log's keys in Redis. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from ..aliases import SumRef
from ..log import FeedRef, LogRef


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of a log's keys. An account's keys share a hash tag, hence a cluster's node."""

    log: str
    state: str
    items: str
    run: str

    @classmethod
    @lru_cache(maxsize=1024)  # a task reports on one job again and again
    def of(cls, ref: LogRef, prefix: str) -> Keys:
        """The keys of a job's log or of a feed, whatever the texts of account and job id are."""
        # Quoted, since a brace in the name would end the hash tag early.
        account = quote(ref.account, safe="")
        base = f"{prefix}:{{{account}}}:{_kind(ref)}"
        return cls(base, f"{base}:state", f"{base}:items", f"{base}:run")


def _kind(ref: LogRef) -> str:
    if isinstance(ref, FeedRef):
        return "feed"
    return f"{'sum' if isinstance(ref, SumRef) else 'job'}:{quote(ref.job_id, safe='')}"

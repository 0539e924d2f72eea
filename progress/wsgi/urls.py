"""The URLs of the blueprint. No other Python module spells them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Rules of werkzeug's router.
JOB_RULE = "/api/jobs/<job_id>/progress"
FEED_RULE = "/api/jobs/progress"
JOB_EVENTS_RULE = "/api/jobs/<job_id>/events"
FEED_EVENTS_RULE = "/api/jobs/events"
FAILURES_RULE = "/api/jobs/<job_id>/failures"
RUN_RULE = "/api/jobs/<job_id>/run"
CANCEL_RULE = "/api/jobs/<job_id>/cancel"
SCRIPT_RULE = "/api/jobs/<name>.js"

#: Job ids that need no decoding. The framework takes in more than these.
_PLAIN_ID = r"([\w.~-]+)"


@dataclass(frozen=True, slots=True)
class StreamUrl:
    """The stream that a URL names: a job's, or the account's feed where there is no job id."""

    job_id: str | None


class StreamUrls:
    """The URLs at which one application serves streams."""

    def __init__(self) -> None:
        self._patterns: list[re.Pattern[str]] = []

    def serve_under(self, prefix: str) -> None:
        """Know the rules below a prefix, as `url_prefix` of a blueprint puts them there."""
        before, after = (re.escape(part) for part in JOB_RULE.split("<job_id>"))
        rules = f"{before}{_PLAIN_ID}{after}|{re.escape(FEED_RULE)}"
        pattern = f"{re.escape(prefix.rstrip('/'))}(?:{rules})"
        self._patterns.append(re.compile(pattern, re.ASCII))

    def find(self, path: str) -> StreamUrl | None:
        """The stream at a path; None for any other path."""
        for pattern in self._patterns:
            found = pattern.fullmatch(path)
            if found is not None:
                return StreamUrl(found[1])
        return None

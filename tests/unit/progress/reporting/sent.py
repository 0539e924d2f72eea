"""Waits for a reporter's reports to be sent."""

from __future__ import annotations

import time

from progress.reporting.reporter import JobReporter


def is_sent(job: JobReporter) -> bool:
    """Whether all was sent, on a machine that may be busy."""
    deadline = time.monotonic() + 10
    while not job.flush():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True

"""Named points between two steps that a crash may part. Tests make one happen there.

A job's steps are ordered so that a crash between any two of them loses nothing: what was
begun is found again by its lease or its row. Each such point has a name here.
"""

from __future__ import annotations

from collections.abc import Callable

#: The row is committed; the message is not sent.
COMMITTED = "committed"
#: The lease is taken; the store knows of no execution.
LEASED = "leased"
#: The store knows of the execution; the log does not.
BEGUN = "begun"
#: The work is done; neither store nor log knows.
WORKED = "worked"
#: The part has ended and the one that follows it is open; its message is not sent.
OPENED = "opened"
#: The message of the part that follows is sent; the lease of the one that ended is not given back.
SENT = "sent"
#: No part of the job is open any more; the store does not know that it is over.
ENDED = "ended"
#: The store knows that the job is over; the log does not.
FINISHED = "finished"
#: The log says that the job is over; the lease is not given back.
TOLD = "told"
#: The store knows that an execution was lost; the log does not.
FOUND_LOST = "found-lost"
#: The log says that the job is tried again; its message is not sent.
TOLD_LOST = "told-lost"
#: The message of a lost job is sent again; its lease is not given back.
RESENT = "resent"

POINTS = (
    COMMITTED,
    LEASED,
    BEGUN,
    WORKED,
    OPENED,
    SENT,
    ENDED,
    FINISHED,
    TOLD,
    FOUND_LOST,
    TOLD_LOST,
    RESENT,
)

_hook: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Say that a point is reached: call the function of `on_reach`, where a test has set one."""
    if _hook is not None:
        _hook(point)


def on_reach(hook: Callable[[str], None] | None) -> None:
    """Have a function called at every point of this process, or no longer."""
    global _hook  # noqa: PLW0603 - one process, one hook
    _hook = hook
